//! The adjoint of taking windows apart: ONNX `Col2Im`, PyTorch `fold`.

use super::setters::setters;
use super::{Padding, PerAxis};

/// Adds the columns of windows up to images: every element of a column goes where its tap lies, over one to three spatial axes.
///
/// Input: `[N, C * taps, windows]`, of floats; a channel's taps and the windows in row-major order. Output:
/// `[N, C, image...]`. Windows are placed on the image as a convolution places them; there must be as many as the input has,
/// and what they have in the padding is left out. Each `Vec` beside `image` and `window` has one number for every spatial
/// axis, or a single number for all.
///
/// ```
/// use wgpool::{host, Col2Im, Op, Tensor};
/// // Three windows of two taps over four elements: those in the middle are in two windows.
/// let x = Tensor::from_f32(&[1, 2, 3], vec![1., 2., 3., 10., 20., 30.])?;
/// let op = Op::from(Col2Im::new([4], [2]));
/// assert_eq!(host::run(&op, &[&x])?[0].as_f32()?, [1., 12., 23., 30.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Col2Im {
    /// Spatial lengths of the images.
    pub image: Vec<usize>,
    /// Taps of the windows along each spatial axis.
    pub window: Vec<usize>,
    /// Distance between windows.
    pub stride: Vec<usize>,
    /// Distance between taps.
    pub dilation: Vec<usize>,
    /// Padding of the image, which windows may reach into.
    pub padding: Padding,
}

impl Col2Im {
    /// Stride 1, no dilation, no padding.
    pub fn new(image: impl Into<Vec<usize>>, window: impl Into<PerAxis>) -> Self {
        let (image, window) = (image.into(), window.into().into());
        Col2Im { image, window, stride: vec![1], dilation: vec![1], padding: Padding::Valid }
    }

    setters! {
        /// Sets the distance between windows.
        stride: [usize],
        /// Sets the distance between taps.
        dilation: [usize],
        /// Sets the padding.
        padding: Padding,
    }
}
