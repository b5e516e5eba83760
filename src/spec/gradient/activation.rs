//! Gradients of activations and softmax.

use crate::spec::{Activation, Softmax};

/// The gradient of an activation by its input: that of the output times the slope there.
///
/// Inputs: the gradient of the output and the forward pass's input, of the same shape. Output: the same shape. Where the
/// function has no slope it is the one that PyTorch takes: 0 at the ends of ReLU and ReLU6, and of LeakyReLU and ELU `alpha` at
/// 0. NaN as input hands the gradient of ReLU and ReLU6 on as it is, and LeakyReLU's times `alpha`; other functions make it NaN. At
/// infinity slopes are their limits.
///
/// [`Activation::PRelu`], whose slope is an input, is refused.
///
/// ```
/// use wgpool::spec::gradient::ActivationGradient;
/// use wgpool::{host, Activation, Op, Tensor};
/// let gradient = Tensor::from_f32(&[3], vec![5., 6., 7.])?;
/// let x = Tensor::from_f32(&[3], vec![-1., 0., 1.])?;
/// let backward = Op::from(ActivationGradient { of: Activation::Relu });
/// assert_eq!(host::run(&backward, &[&gradient, &x])?[0].as_f32()?, [0., 0., 7.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ActivationGradient {
    /// The forward pass.
    pub of: Activation,
}

/// The gradient of softmax by its input: `y * (g - sum(g * y))` along the axis.
///
/// Inputs: the gradient `g` of the output, and the output `y` of the forward pass. Output: the same shape.
///
/// ```
/// use wgpool::spec::gradient::SoftmaxGradient;
/// use wgpool::{host, Op, Softmax, Tensor};
/// let gradient = Tensor::from_f32(&[2], vec![1., 3.])?;
/// let y = Tensor::from_f32(&[2], vec![0.25, 0.75])?;
/// let backward = Op::from(SoftmaxGradient { of: Softmax { axis: 0 } });
/// assert_eq!(host::run(&backward, &[&gradient, &y])?[0].as_f32()?, [-0.375, 0.375]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SoftmaxGradient {
    /// The forward pass.
    pub of: Softmax,
}
