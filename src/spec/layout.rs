//! Memory order of tensors and padding of windows.

/// Memory order of a batch of images.
///
/// The names are those of two spatial axes; with one or three the same order is meant
/// (`NCW`/`NWC`, `NCDHW`/`NDHWC`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Layout {
    /// Batch, channels, then space: PyTorch and ONNX.
    #[default]
    Nchw,
    /// Batch, space, then channels: Keras and TensorFlow.
    Nhwc,
}

impl Layout {
    /// The shape of a batch of images.
    pub(crate) fn shape(self, batch: usize, channels: usize, space: &[usize]) -> Vec<usize> {
        match self {
            Layout::Nchw => [&[batch, channels], space].concat(),
            Layout::Nhwc => [&[batch], space, &[channels]].concat(),
        }
    }
}

/// Padding of the spatial axes.
///
/// Padded elements never win a maximum, and count in an average only if the spec says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", deny_unknown_fields))]
#[non_exhaustive]
pub enum Padding {
    /// No padding: ONNX `VALID`, Keras `"valid"`.
    #[default]
    Valid,
    /// Output length `ceil(input / stride)`, the odd element of padding at the end:
    /// ONNX `SAME_UPPER`, Keras and TensorFlow `"same"`.
    SameUpper,
    /// Output length `ceil(input / stride)`, the odd element of padding at the start: ONNX `SAME_LOWER`.
    SameLower,
    /// Elements before and after each spatial axis, outermost axis first. One number stands for all axes.
    Explicit {
        /// Elements before each axis.
        before: Vec<usize>,
        /// Elements after each axis.
        after: Vec<usize>,
    },
}

impl Padding {
    /// The same padding before and after each axis, as PyTorch's `padding=`.
    pub fn symmetric(per_axis: impl Into<Vec<usize>>) -> Self {
        let before = per_axis.into();
        Padding::Explicit { after: before.clone(), before }
    }
}
