//! Pooling of regions of interest: ONNX `RoiAlign` and `MaxRoiPool`.

use super::Layout;

/// How a bin of [`RoiAlign`] is computed of its samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RoiMode {
    /// The mean of the interpolated samples.
    #[default]
    Average,
    /// The largest of the samples' weighted corners, as ONNX `mode = "max"`.
    Max,
}

/// Bilinear pooling of regions (He et al., "Mask R-CNN", 2017): ONNX `RoiAlign`, torchvision `roi_align`.
///
/// Inputs: images `[N, C, H, W]` (channels last for [`Layout::Nhwc`]), regions `[R, 4]` as `x1, y1, x2, y2`, and
/// the image of each region, i32 `[R]`. Output: `[R, C, height, width]`.
///
/// Bins of more than [`MOST_SAMPLES`](crate::problem::MOST_SAMPLES) samples along an axis are an error, or NaN where the regions are
/// known to the GPU alone.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct RoiAlign {
    /// Bins along height and width.
    pub output: [usize; 2],
    /// Samples of a bin along each axis; 0 takes `ceil(region / output)`.
    pub sampling_ratio: usize,
    /// What a region's coordinates are multiplied by.
    pub spatial_scale: f32,
    /// Whether coordinates are shifted by half a pixel (ONNX `half_pixel`, torchvision `aligned=True`). If not,
    /// regions are at least one pixel wide and high.
    pub half_pixel: bool,
    /// How samples are joined.
    pub mode: RoiMode,
    /// Memory order of images and output.
    pub layout: Layout,
}

/// Max pooling of regions with rounded bounds (Girshick, "Fast R-CNN", 2015): ONNX `MaxRoiPool`, torchvision
/// `roi_pool`.
///
/// Inputs: images `[N, C, H, W]` (channels last for [`Layout::Nhwc`]) and regions `[R, 5]` as
/// `image, x1, y1, x2, y2`. Output: `[R, C, height, width]`; an empty bin is 0.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct MaxRoiPool {
    /// Bins along height and width.
    pub output: [usize; 2],
    /// What a region's coordinates are multiplied by.
    pub spatial_scale: f32,
    /// Memory order of images and output.
    pub layout: Layout,
}
