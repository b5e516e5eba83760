//! Fully connected layers and softmax: Keras `Dense` and `Softmax`, PyTorch `linear` and `softmax`.

use std::fmt;

use super::Activation;
use super::setters::setters;

/// Order of a dense kernel's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum DenseLayout {
    /// `[in, out]`: Keras.
    #[default]
    InOut,
    /// `[out, in]`: PyTorch `linear` and ONNX `Gemm` with `transB`.
    OutIn,
}

/// `[in, out]` or `[out, in]`.
impl fmt::Display for DenseLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DenseLayout::InOut => "[in, out]",
            DenseLayout::OutIn => "[out, in]",
        })
    }
}

/// A fully connected layer on the last axis of a tensor of rank one or more.
///
/// Shapes: `[..., in]` in, `[..., out]` out. Inputs: the tensor, the kernel, and a bias `[out]` if there is one.
///
/// ```
/// use wgpool::{host, Dense, Op, Tensor};
/// let x = Tensor::from_f32(&[1, 2], vec![1., 2.])?;
/// let w = Tensor::from_f32(&[2, 3], vec![1., 2., 3., 4., 5., 6.])?;
/// assert_eq!(host::run(&Op::from(Dense::new()), &[&x, &w])?[0].as_f32()?, [9., 12., 15.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Dense {
    /// Applied to each element of the result.
    pub activation: Activation,
    /// Order of the kernel's axes.
    pub kernel_layout: DenseLayout,
}

impl Dense {
    /// No activation, kernel `[in, out]`.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets the activation.
        activation: Activation,
        /// Sets the order of the kernel's axes.
        kernel_layout: DenseLayout,
    }
}

/// `exp(x - max) / sum exp(x - max)` along one axis.
///
/// ```
/// use wgpool::{host, Op, Softmax, Tensor};
/// let x = Tensor::from_f32(&[1, 2], vec![3., 3.])?;
/// assert_eq!(host::run(&Op::from(Softmax::last_axis()), &[&x])?[0].as_f32()?, [0.5, 0.5]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Softmax {
    /// The axis; negative numbers count from the last.
    pub axis: isize,
}

impl Softmax {
    /// Softmax along the last axis, as Keras' `softmax` activation.
    pub fn last_axis() -> Self {
        Self { axis: -1 }
    }
}
