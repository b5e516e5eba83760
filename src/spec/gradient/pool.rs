//! Gradients of pooling and unpooling.

use crate::spec::{AdaptivePool, FractionalMaxPool, GlobalPool, MaxUnpool, Pool};

/// An operation that pools images.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Pooling {
    /// Of sliding windows.
    Sliding(Pool),
    /// Of whole planes; a maximum's index counts in its plane.
    Global(GlobalPool),
    /// Of windows that divide the input among them.
    Adaptive(AdaptivePool),
    /// Of windows at pseudo-random places.
    Fractional(FractionalMaxPool),
}

macro_rules! pooling_from {
    ($($variant:ident($spec:ident),)*) => {$(
        impl From<$spec> for Pooling {
            fn from(spec: $spec) -> Pooling {
                Pooling::$variant(spec)
            }
        }
    )*};
}
pooling_from!(Sliding(Pool), Global(GlobalPool), Adaptive(AdaptivePool), Fractional(FractionalMaxPool),);

/// The gradient of pooling by its input: each window's goes to the elements that made it.
///
/// Inputs: the gradient of the pooled tensor, of its shape; then what the kind of pooling needs:
///
/// - max: the indices that the forward pass stored, i32, of the same shape and in the numbering that it was told. The gradient
///   goes to the element that an index names, which is the first of equal maxima and, of NaN, the last. -1, the index of a window
///   without elements, takes none; other positions outside the window are refused.
/// - average: nothing. Each element of a window gets the gradient divided by what the forward pass divided by.
/// - [`Lp`](crate::PoolKind::Lp): the forward pass's input and output. An element gets `sign(x) * (|x| / y)^(p - 1)` of the
///   gradient, 0 where `y` is 0. Of [`LpTorch`](crate::PoolKind::LpTorch) it gets `k / n * (x / y)^(p - 1)`, for a window of `k`
///   taps of which `n` lie inside, with the power's own sign: NaN for a negative `x` and a `p` that is not whole, and `k / n` for a `p`
///   of 1.
///
/// Output: of the shape `input`, and the gradient's type of floats.
///
/// ```
/// use wgpool::spec::gradient::PoolGradient;
/// use wgpool::{host, IndexNumbering, Op, Pool, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 4], vec![1., 5., 2., 2.])?;
/// let pool = Pool::max(2).indices(IndexNumbering::PerPlane);
/// let pooled = host::run(&Op::from(pool.clone()), &[&x])?;
/// let gradient = Tensor::from_f32(&[1, 1, 2], vec![10., 20.])?;
/// let backward = Op::from(PoolGradient::new(pool, [1, 1, 4]));
/// assert_eq!(host::run(&backward, &[&gradient, &pooled[1]])?[0].as_f32()?, [0., 10., 20., 0.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct PoolGradient {
    /// The forward pass.
    pub of: Pooling,
    /// The shape of its input.
    pub input: Vec<usize>,
}

impl PoolGradient {
    /// Of a pooling whose input had this shape.
    pub fn new(of: impl Into<Pooling>, input: impl Into<Vec<usize>>) -> Self {
        PoolGradient { of: of.into(), input: input.into() }
    }
}

/// The gradient of max unpooling by its values: each gets that of the element that its index names, also where a later value
/// of the same index took its place.
///
/// Inputs: the gradient of the output, of floats, and the indices of the forward pass, i32. Output: the gradient's type, of the
/// indices' shape.
///
/// ```
/// use wgpool::spec::gradient::MaxUnpoolGradient;
/// use wgpool::{host, Data, MaxUnpool, Op, Tensor};
/// let gradient = Tensor::from_f32(&[1, 1, 4], vec![1., 2., 3., 4.])?;
/// let indices = Tensor::new(&[1, 1, 2], Data::I32(vec![1, 2]))?;
/// let backward = Op::from(MaxUnpoolGradient { of: MaxUnpool::new(4) });
/// assert_eq!(host::run(&backward, &[&gradient, &indices])?[0].as_f32()?, [2., 3.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct MaxUnpoolGradient {
    /// The forward pass.
    pub of: MaxUnpool,
}
