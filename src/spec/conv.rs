//! Convolution: ONNX `Conv`, PyTorch `conv2d`, Keras `Conv2D`.

use super::{Activation, Layout, Padding};

/// Order of a convolution kernel's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KernelLayout {
    /// `[out, in / groups, spatial...]`: PyTorch and ONNX.
    #[default]
    Oihw,
    /// `[spatial..., in / groups, out]`: Keras and TensorFlow.
    Hwio,
}

/// Cross-correlation with bias and activation over one to three spatial axes.
///
/// `y[n, o, ...] = activation(bias[o] + sum x * w)`. Inputs: the tensor, the kernel, and a bias `[out]` if there
/// is one. Each `Vec` has one number for every spatial axis, outermost first, or a single number for all.
/// Depthwise convolution is `groups` equal to the input channels.
///
/// ```
/// use wgpool::{host, Conv, Op, Padding, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 3, 3], (0..9).map(|v| v as f32).collect())?;
/// let w = Tensor::from_f32(&[1, 1, 2, 2], vec![1., 0., 0., 1.])?;
/// let conv = Op::from(Conv::new());
/// assert_eq!(host::run(&conv, &[&x, &w])?[0].as_f32()?, [4., 6., 10., 12.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
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
        }
    }
}

impl Conv {
    /// Stride 1, no dilation, no padding, one group, no activation, NCHW and OIHW.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the distance between windows.
    pub fn stride(self, stride: impl Into<Vec<usize>>) -> Self {
        Self { stride: stride.into(), ..self }
    }

    /// Sets the distance between taps.
    pub fn dilation(self, dilation: impl Into<Vec<usize>>) -> Self {
        Self { dilation: dilation.into(), ..self }
    }

    /// Sets the padding.
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Sets the number of groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Sets the activation.
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// Sets the memory order of input and output.
    pub fn layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// Sets the order of the kernel's axes.
    pub fn kernel_layout(self, kernel_layout: KernelLayout) -> Self {
        Self { kernel_layout, ..self }
    }
}
