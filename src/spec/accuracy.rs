//! Which error a convolution may have.

/// What the error of an element may depend on: a permission to compute faster, not an order.
///
/// Planner and host path use the permission where they reckon that it makes a convolution faster;
/// [`reference::evaluate`](crate::reference::evaluate) states the bound of each element either way.
///
/// ```
/// use wgpool::{Accuracy, Conv, Op, Padding, Problem, Tensor, host, reference};
/// let x = Tensor::from_f32(&[1, 8, 8, 8], (0..512).map(|i| (i % 7) as f32).collect())?;
/// let w = Tensor::from_f32(&[8, 8, 3, 3], (0..576).map(|i| (i % 5) as f32 - 2.0).collect())?;
/// let conv = Conv::new().padding(Padding::SameUpper);
/// let bounds = |conv: &Conv| -> wgpool::Result<Vec<f64>> {
///     let problem = Problem::new(&conv.clone().into(), &[x.desc(), w.desc()])?;
///     let exact = reference::evaluate(&problem, &[&x, &w])?;
///     assert_eq!(reference::compare(&exact[0], &host::compute(&problem, &[&x, &w])?[0])?, None);
///     Ok(exact[0].bound.clone())
/// };
/// let (element, tile) = (bounds(&conv)?, bounds(&conv.accuracy(Accuracy::Tile))?);
/// assert!(element.iter().zip(&tile).all(|(element, tile)| element < tile));
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Accuracy {
    /// On the element's own window alone: within `8 eps sum |x w|` of the exact sum.
    #[default]
    Element,
    /// On all inputs of the tile that the element belongs to. This permits Winograd's algorithm (Lavin and Gray, "Fast
    /// Algorithms for Convolutional Neural Networks", 2015) for windows of 3 by 3 with stride 1 and dilation 1 over two
    /// spatial axes; other convolutions stay as they are.
    ///
    /// `F(m x m, 3 x 3)` computes tiles of m by m outputs, the first at the output's first element, as
    /// `A^T [sum over channels of (G g G^T) * (B^T d B)] A` of the weights `g` and the tile's inputs `d`. The bound of
    /// an element is the larger for m = 2 and m = 4 of
    /// `n u / (1 - n u) |A^T| [sum of (|G| |g| |G^T|) * (|B^T| |d| |B|)] |A|` at its place in the tile, where u is 2^-24
    /// and n = 24 + min(C, 64) + ceil(C / 64) for C input channels of a group: the roundings on the way of a number to
    /// the output, all of them (one more with a residual, which counts as the bias does), so that the bound holds for any signs. For random data it is some hundred times
    /// that of `Element`, and errors are far below both.
    ///
    /// What is infinite or NaN stays as exact as with `Element`: it reaches the elements whose windows hold it and no
    /// others, and elements that the algorithm would compute from any have the bound of `Element`.
    Tile,
    /// On the element's own window, and on how long its sum is. This permits plain chains of 32-bit floats, as those of
    /// cuDNN, ONNX Runtime and PyTorch, in any order and divided anyhow, with multiply-adds that are fused or not. Every
    /// convolution may make use of it, but it does not permit Winograd's algorithm.
    ///
    /// The bound of an element with n products, those with padding not counted, is the larger of that of `Element` and
    /// `(n + 1) u / (1 - (n + 1) u) (sum |x w| + |bias|)`, where u is 2^-24: however n products and a bias are added up, none
    /// of them goes through more than n additions, and a product is rounded once before. (Zeros add no rounding.) A residual counts as one more product. To it
    /// come 2 (n + 1) times the smallest normal number, since numbers below it may be flushed to zero. Activation
    /// and rounding to 16 bits follow as with `Element`. From 2^23 products on the bound is that of `Element` alone.
    Chain,
}
