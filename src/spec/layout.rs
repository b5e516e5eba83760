//! Memory order of tensors and padding of windows.

use std::fmt;
use std::str::FromStr;

use super::PerAxis;
use crate::error::Error;

/// Memory order of a batch of images.
///
/// The names are those of two spatial axes; with one or three the same order is meant
/// (`NCW`/`NWC`, `NCDHW`/`NDHWC`). Printed in capitals, and read in any letters:
///
/// ```
/// use wgpool::Layout;
/// assert_eq!("nhwc".parse::<Layout>()?, Layout::Nhwc);
/// assert_eq!(Layout::Nhwc.to_string(), "NHWC");
/// # Ok::<(), wgpool::Error>(())
/// ```
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

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Nchw => "NCHW",
            Layout::Nhwc => "NHWC",
        })
    }
}

/// `NCHW` or `NHWC`, in capitals or small letters.
impl FromStr for Layout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Layout, Error> {
        let found = [Layout::Nchw, Layout::Nhwc].into_iter();
        let mut found = found.filter(|layout| layout.to_string().eq_ignore_ascii_case(text));
        found.next().ok_or_else(|| Error::parameter("tensor", "layout", text, "it must be NCHW or NHWC"))
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

/// `valid`, `same upper`, `same lower`, or the elements: `[1, 1] before, [0, 0] after`.
impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Padding::Valid => f.write_str("valid"),
            Padding::SameUpper => f.write_str("same upper"),
            Padding::SameLower => f.write_str("same lower"),
            Padding::Explicit { before, after } => write!(f, "{before:?} before, {after:?} after"),
        }
    }
}

impl Padding {
    /// What Keras, TensorFlow and PyTorch call `"same"`: another name of [`Padding::SameUpper`], for patterns too.
    ///
    /// ```
    /// use wgpool::Padding;
    /// assert_eq!(Padding::SAME, Padding::SameUpper);
    /// ```
    pub const SAME: Padding = Padding::SameUpper;

    /// The same padding before and after each axis, as PyTorch's `padding=`.
    pub fn symmetric(per_axis: impl Into<PerAxis>) -> Self {
        let before = Vec::from(per_axis.into());
        Padding::Explicit { after: before.clone(), before }
    }
}
