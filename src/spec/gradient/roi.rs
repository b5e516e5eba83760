//! The gradient of region pooling.

use crate::spec::RoiAlign;

/// The gradient of [`RoiAlign`] in average mode by its images: each sample hands its share to the pixels that it is interpolated
/// of.
///
/// Inputs: the gradient of the output, and the regions and image numbers of the forward pass. Output: of the shape `input`.
///
/// ```
/// use wgpool::spec::gradient::RoiAlignGradient;
/// use wgpool::{host, Data, Op, RoiAlign, Tensor};
/// let of = RoiAlign {
///     output: [1, 1],
///     sampling_ratio: 1,
///     spatial_scale: 1.0,
///     half_pixel: true,
///     mode: Default::default(),
///     layout: Default::default(),
/// };
/// // One sample, in the middle of four pixels.
/// let gradient = Tensor::from_f32(&[1, 1, 1, 1], vec![4.])?;
/// let regions = Tensor::from_f32(&[1, 4], vec![0., 0., 2., 2.])?;
/// let images = Tensor::new(&[1], Data::I32(vec![0]))?;
/// let backward = Op::from(RoiAlignGradient { of, input: vec![1, 1, 2, 2] });
/// assert_eq!(host::run(&backward, &[&gradient, &regions, &images])?[0].as_f32()?, [1., 1., 1., 1.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct RoiAlignGradient {
    /// The forward pass.
    pub of: RoiAlign,
    /// The shape of its images.
    pub input: Vec<usize>,
}
