//! Gradients of convolutions and fully connected layers.

use crate::spec::{Conv, ConvTranspose, Dense};

/// A form of gradient that is told the forward pass and the lengths of what is not among its inputs.
macro_rules! with_lengths {
    ($($(#[$doc:meta])* $name:ident of $spec:ident, $(#[$about:meta])* $lengths:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
        pub struct $name {
            /// The forward pass, without activation and residual.
            pub of: $spec,
            $(#[$about])*
            pub $lengths: Vec<usize>,
        }

        impl $name {
            /// Of an operation with these.
            pub fn new(of: $spec, $lengths: impl Into<Vec<usize>>) -> Self {
                $name { of, $lengths: $lengths.into() }
            }
        }
    )*};
}

with_lengths! {
    /// The gradient of a convolution by its input, which is a transposed convolution.
    ///
    /// Inputs: the gradient of the output, and the kernel. Output: of the shape `input`. Elements that no window reads get 0.
    ///
    /// ```
    /// use wgpool::spec::gradient::ConvInputGradient;
    /// use wgpool::{host, Conv, Op, Tensor};
    /// let gradient = Tensor::from_f32(&[1, 1, 2], vec![1., 10.])?;
    /// let kernel = Tensor::from_f32(&[1, 1, 2], vec![3., 4.])?;
    /// let backward = Op::from(ConvInputGradient::new(Conv::new(), [1, 1, 3]));
    /// assert_eq!(host::run(&backward, &[&gradient, &kernel])?[0].as_f32()?, [3., 34., 40.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    ConvInputGradient of Conv,
    /// The shape of the input.
    input;

    /// The gradient of a convolution by its kernel: a product of matrices over all positions of all images.
    ///
    /// Inputs: the forward pass's input, and the gradient of the output. Output: of the kernel's shape, in its order of axes.
    ///
    /// ```
    /// use wgpool::spec::gradient::ConvWeightsGradient;
    /// use wgpool::{host, Conv, Op, Tensor};
    /// let x = Tensor::from_f32(&[1, 1, 3], vec![1., 2., 3.])?;
    /// let gradient = Tensor::from_f32(&[1, 1, 2], vec![1., 10.])?;
    /// let backward = Op::from(ConvWeightsGradient::new(Conv::new(), [2]));
    /// assert_eq!(host::run(&backward, &[&x, &gradient])?[0].as_f32()?, [21., 32.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    ConvWeightsGradient of Conv,
    /// Spatial lengths of the kernel.
    window;

    /// The gradient of a transposed convolution by its input, which is a convolution.
    ///
    /// Inputs: the gradient of the output, and the kernel. Output: of the shape `input`.
    ConvTransposeInputGradient of ConvTranspose,
    /// The shape of the input.
    input;

    /// The gradient of a transposed convolution by its kernel.
    ///
    /// Inputs: the forward pass's input, and the gradient of the output. Output: of the kernel's shape, in its order of axes.
    ConvTransposeWeightsGradient of ConvTranspose,
    /// Spatial lengths of the kernel.
    window;
}

/// The gradient of a fully connected layer by its input.
///
/// Inputs: the gradient of the output, `[..., out]`, and the kernel. Output: `[..., in]`.
///
/// ```
/// use wgpool::spec::gradient::DenseInputGradient;
/// use wgpool::{host, Dense, DenseLayout, Op, Tensor};
/// let gradient = Tensor::from_f32(&[1, 2], vec![1., 10.])?;
/// let kernel = Tensor::from_f32(&[2, 3], vec![1., 2., 3., 4., 5., 6.])?;
/// let dense = Dense { kernel_layout: DenseLayout::OutIn, ..Dense::new() };
/// let backward = Op::from(DenseInputGradient { of: dense });
/// assert_eq!(host::run(&backward, &[&gradient, &kernel])?[0].as_f32()?, [41., 52., 63.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct DenseInputGradient {
    /// The forward pass, without activation.
    pub of: Dense,
}

/// The gradient of a fully connected layer by its kernel.
///
/// Inputs: the forward pass's input, `[..., in]`, and the gradient of the output, `[..., out]`. Output: of the kernel's shape, in
/// its order of axes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct DenseWeightsGradient {
    /// The forward pass, without activation.
    pub of: Dense,
}
