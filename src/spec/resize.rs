//! Tensors of other lengths, whose elements are interpolated.

use super::setters::setters;

/// How an element between others is made of them.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ResizeMode {
    /// It is the nearest.
    Nearest(NearestRounding),
    /// Linearly of two along each axis.
    Linear,
    /// By a cubic polynomial of four along each axis (Keys, 1981).
    Cubic {
        /// The polynomial's coefficient: -0.75 in ONNX and PyTorch, -0.5 in TensorFlow.
        coefficient: f32,
        /// Whether elements outside are left out, and the weights of the others made up for them; else the first and the last
        /// element stand there.
        exclude_outside: bool,
    },
}

/// Which of two elements is the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum NearestRounding {
    /// The nearer, the first of two that are as near.
    RoundPreferFloor,
    /// The nearer, the second of two that are as near.
    RoundPreferCeil,
    /// The first.
    Floor,
    /// The second.
    Ceil,
}

/// Where along the input an element of the output lies; `i` is its index, `L` the input's length, `O` the output's, and `s` the
/// factor between them. Where scales are given, `O` is `s * L`, a fraction of an element included, as ONNX has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ResizeCoordinates {
    /// `(i + 0.5) / s - 0.5`: elements are as wide as they are far apart.
    HalfPixel,
    /// The same, about the middle of the input where `s * L` is no whole number.
    HalfPixelSymmetric,
    /// The same, but 0 where the output has one element.
    PytorchHalfPixel,
    /// `i / s`.
    Asymmetric,
    /// `i * (L - 1) / (O - 1)`: the ends are the same; 0 where the output has one element.
    AlignCorners,
}

/// Axes made longer or shorter: ONNX `Resize` and `Upsample`, PyTorch `interpolate`, Keras `UpSampling2D`.
///
/// Input: floats of any shape. Output: `shape`, of as many axes. At most four axes may change their length, and no more than eight
/// be left when neighbours that do not are joined. An element that lies on one of the input is that one.
///
/// ```
/// use wgpool::{Op, Resize, ResizeMode, Tensor, host};
/// let x = Tensor::from_f32(&[2], vec![0., 4.])?;
/// let resize = Resize::new([4]);
/// assert_eq!(host::run(&Op::from(resize), &[&x])?[0].as_f32()?, [0., 1., 3., 4.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Resize {
    /// Shape of the output.
    pub shape: Vec<usize>,
    /// The factor of each axis, if it is another than that of the lengths: ONNX' `scales`, by which lengths were rounded down.
    pub scales: Option<Vec<f32>>,
    /// How elements are interpolated.
    pub mode: ResizeMode,
    /// Where they lie.
    pub coordinates: ResizeCoordinates,
}

impl Resize {
    /// Linear, with half pixels: `interpolate(mode="bilinear", align_corners=False)` and its kin.
    pub fn new(shape: impl Into<Vec<usize>>) -> Self {
        let (mode, coordinates) = (ResizeMode::Linear, ResizeCoordinates::HalfPixel);
        Self { shape: shape.into(), scales: None, mode, coordinates }
    }

    setters! {
        /// Sets how elements are interpolated.
        mode: ResizeMode,
        /// Sets where they lie.
        coordinates: ResizeCoordinates,
    }
}
