//! Convolution: ONNX `Conv`, PyTorch `conv2d`, Keras `Conv2D`.

use std::fmt;

use super::setters::setters;
use super::{Accuracy, Activation, Layout, Padding};

/// Order of a convolution kernel's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum KernelLayout {
    /// `[out, in / groups, spatial...]`: PyTorch and ONNX.
    #[default]
    Oihw,
    /// `[spatial..., in / groups, out]`: Keras and TensorFlow.
    Hwio,
}

impl KernelLayout {
    /// The taps along each spatial axis, of a kernel of rank two or more.
    pub(crate) fn window(self, shape: &[usize]) -> &[usize] {
        match self {
            KernelLayout::Oihw => &shape[2..],
            KernelLayout::Hwio => &shape[..shape.len() - 2],
        }
    }
}

/// `OIHW` or `HWIO`.
impl fmt::Display for KernelLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KernelLayout::Oihw => "OIHW",
            KernelLayout::Hwio => "HWIO",
        })
    }
}

/// Transposed convolution, the adjoint of [`Conv`]: ONNX `ConvTranspose`, PyTorch `conv_transpose2d`, Keras
/// `Conv2DTranspose`.
///
/// Inputs: the tensor, the kernel, and a bias `[out]` if there is one. The kernel is `[in, out / groups, spatial...]`
/// for [`KernelLayout::Oihw`] (PyTorch, ONNX) and `[spatial..., out / groups, in]` for [`KernelLayout::Hwio`] (Keras).
/// Output length: `(L - 1) * stride - padding + dilation * (k - 1) + output_padding + 1`, or `output` if given;
/// with `Same` padding and no `output`, `L * stride`.
///
/// ```
/// use wgpool::{ConvTranspose, Op, Tensor, host};
/// let x = Tensor::from_f32(&[1, 1, 2], vec![1., 2.])?;
/// let w = Tensor::from_f32(&[1, 1, 2], vec![1., 10.])?;
/// let op = Op::from(ConvTranspose::new().stride([2]));
/// assert_eq!(host::run(&op, &[&x, &w])?[0].as_f32()?, [1., 10., 2., 20.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ConvTranspose {
    /// Distance between the windows in the output.
    pub stride: Vec<usize>,
    /// Distance between taps.
    pub dilation: Vec<usize>,
    /// What is cut off the output. With `output`, `SameUpper` cuts the odd element at the end, all others at the
    /// start, as ONNX defines.
    pub padding: Padding,
    /// Elements added at the end of each axis, fewer than stride or dilation.
    pub output_padding: Vec<usize>,
    /// Spatial lengths of the output, which then determine the padding. At most
    /// `(L - 1) * stride + dilation * (k - 1) + max(stride, dilation)`, which the most output padding reaches.
    pub output: Option<Vec<usize>>,
    /// Groups that input and output channels are divided into.
    pub groups: usize,
    /// Applied to each element of the result.
    pub activation: Activation,
    /// Memory order of input and output.
    pub layout: Layout,
    /// Order of the kernel's axes.
    pub kernel_layout: KernelLayout,
}

impl Default for ConvTranspose {
    fn default() -> Self {
        ConvTranspose {
            stride: vec![1],
            dilation: vec![1],
            padding: Padding::Valid,
            output_padding: vec![0],
            output: None,
            groups: 1,
            activation: Activation::None,
            layout: Layout::Nchw,
            kernel_layout: KernelLayout::Oihw,
        }
    }
}

impl ConvTranspose {
    /// Stride 1, no dilation, no padding, one group, no activation, NCHW.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the distance between the windows in the output.
        stride: [usize],
        /// Sets the distance between taps.
        dilation: [usize],
        /// Sets what is cut off the output.
        padding: Padding,
        /// Sets the number of groups.
        groups: usize,
        /// Sets the activation.
        activation: Activation,
        /// Sets the memory order of input and output.
        layout: Layout,
        /// Sets the order of the kernel's axes.
        kernel_layout: KernelLayout,
    }
}

/// Convolution, bias, activation and pooling as one operation, with the result of the composition.
///
/// Inputs as for [`Conv`], without a residual; the pooling has the convolution's layout, no indices, and is max or average pooling.
/// The planner decides whether one kernel runs or two.
///
/// ```
/// use wgpool::{Activation, Conv, ConvPool, Op, Pool, Tensor, host};
/// let x = Tensor::from_f32(&[1, 1, 3, 3], (0..9).map(|v| v as f32).collect())?;
/// let w = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 0., 0., 1.])?;
/// let conv = Conv::new().activation(Activation::Relu);
/// let op = Op::from(ConvPool::new(conv, Pool::max(2)));
/// assert_eq!(host::run(&op, &[&x, &w])?[0].as_f32()?, [12.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ConvPool {
    /// The convolution, with its activation.
    pub conv: Conv,
    /// The pooling of its result.
    pub pool: super::Pool,
}

impl ConvPool {
    /// A convolution, and the pooling of its result.
    pub fn new(conv: Conv, pool: super::Pool) -> Self {
        ConvPool { conv, pool }
    }
}

/// Cross-correlation with bias and activation over one to three spatial axes.
///
/// `y[n, o, ...] = activation(bias[o] + sum x * w + residual[n, o, ...])`. Inputs: the tensor, the kernel, a bias `[out]` if
/// there is one, the slope of [`Activation::PRelu`] if that is the activation, and the residual if there is one. Each `Vec` has
/// one number for every spatial axis, outermost first, or a single number for all. Depthwise convolution is `groups` equal to
/// the input channels.
///
/// ```
/// use wgpool::{host, Conv, Op, Padding, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 3, 3], (0..9).map(|v| v as f32).collect())?;
/// let w = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 0., 0., 1.])?;
/// let conv = Op::from(Conv::new());
/// assert_eq!(host::run(&conv, &[&x, &w])?[0].as_f32()?, [4., 6., 10., 12.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Conv {
    /// Distance between windows.
    pub stride: Vec<usize>,
    /// Distance between taps.
    pub dilation: Vec<usize>,
    /// Zero padding of the input.
    pub padding: Padding,
    /// Groups that input and output channels are divided into.
    pub groups: usize,
    /// Applied to each element of the result.
    pub activation: Activation,
    /// Memory order of input and output.
    pub layout: Layout,
    /// Order of the kernel's axes.
    pub kernel_layout: KernelLayout,
    /// Which error the result may have.
    pub accuracy: Accuracy,
    /// Whether the last input is a tensor of the output's shape and type, which is added after the bias and before the
    /// activation: the skip connection of a residual network. By a convolution alone, not with pooling, of bytes, or with moved
    /// taps.
    ///
    /// ```
    /// use wgpool::{Activation, Conv, Op, Tensor, host};
    /// let x = Tensor::from_f32(&[1, 1, 1, 3], vec![1., 2., 3.])?;
    /// let w = Tensor::from_f32(&[1, 1, 1, 1], vec![10.])?;
    /// let skip = Tensor::from_f32(&[1, 1, 1, 3], vec![5., -50., 0.])?;
    /// let op = Op::from(Conv::new().activation(Activation::Relu).residual(true));
    /// assert_eq!(host::run(&op, &[&x, &w, &skip])?[0].as_f32()?, [15., 0., 30.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub residual: bool,
}

impl Default for Conv {
    fn default() -> Self {
        Conv {
            stride: vec![1],
            dilation: vec![1],
            padding: Padding::Valid,
            groups: 1,
            activation: Activation::None,
            layout: Layout::Nchw,
            kernel_layout: KernelLayout::Oihw,
            accuracy: Accuracy::Element,
            residual: false,
        }
    }
}

impl Conv {
    /// Stride 1, no dilation, no padding, one group, no activation, NCHW and OIHW.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the distance between windows.
        stride: [usize],
        /// Sets the distance between taps.
        dilation: [usize],
        /// Sets the padding.
        padding: Padding,
        /// Sets the number of groups.
        groups: usize,
        /// Sets the activation.
        activation: Activation,
        /// Sets the memory order of input and output.
        layout: Layout,
        /// Sets the order of the kernel's axes.
        kernel_layout: KernelLayout,
        /// Sets which error the result may have.
        accuracy: Accuracy,
        /// Sets whether the last input is added before the activation.
        residual: bool,
    }
}
