//! Region pooling problems, and where their bins and samples lie.

use super::image::Image;
use super::{Problem, Work, require_dtype, require_shape, require_values};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{MAX_LENGTH, Strides};
use crate::spec::{Layout, MaxRoiPool, RoiAlign, RoiMode};
use crate::tensor::{Data, Tensor, TensorDesc};

/// What both kinds of region pooling need to know of their tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoiShape {
    /// Type of the images' elements, and of the output's.
    pub dtype: DType,
    /// Images.
    pub batch: usize,
    /// Channels of each.
    pub channels: usize,
    /// Height and width of the images.
    pub space: [usize; 2],
    /// Regions.
    pub regions: usize,
    /// Bins along height and width.
    pub bins: [usize; 2],
    /// What a region's coordinates are multiplied by.
    pub spatial_scale: f32,
    /// Strides of the images.
    pub input: Strides,
    /// Strides of the output.
    pub output: Strides,
    /// Whether channels lie last.
    pub channels_last: bool,
}

/// RoiAlign with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoiAlignWork {
    /// Lengths and strides.
    pub shape: RoiShape,
    /// Samples of a bin along each axis, or 0.
    pub sampling_ratio: usize,
    /// Whether coordinates are shifted by half a pixel.
    pub half_pixel: bool,
    /// How samples are joined.
    pub mode: RoiMode,
}

/// MaxRoiPool with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MaxRoiWork {
    /// Lengths and strides.
    pub shape: RoiShape,
}

/// One axis of a region's bins, in 32-bit floats as every path computes it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoiAxis {
    /// Where the region starts.
    pub start: f32,
    /// Length of a bin.
    pub bin: f32,
    /// Samples of a bin.
    pub samples: usize,
}

/// The two neighbours of a sample on one axis, and the weight of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Neighbours {
    /// Position of the first.
    pub low: usize,
    /// Position of the second.
    pub high: usize,
    /// Its weight.
    pub weight: f32,
}

impl RoiAxis {
    /// Where sample `i` of bin `bin` lies.
    pub fn sample(&self, bin: usize, i: usize) -> f32 {
        self.start + bin as f32 * self.bin + (i as f32 + 0.5) * self.bin / self.samples as f32
    }
}

impl RoiAlignWork {
    /// The bins of a region from `from` to `to` along height (0) or width (1).
    pub fn axis(&self, axis: usize, from: f32, to: f32) -> RoiAxis {
        let (scale, bins) = (self.shape.spatial_scale, self.shape.bins[axis]);
        let offset = if self.half_pixel { 0.5 } else { 0.0 };
        let (start, end) = (from * scale - offset, to * scale - offset);
        let length = if self.half_pixel { end - start } else { (end - start).max(1.0) };
        let samples = match self.sampling_ratio {
            0 => (length / bins as f32).ceil().max(0.0) as usize,
            ratio => ratio,
        };
        RoiAxis { start, bin: length / bins as f32, samples }
    }

    /// The neighbours of sample `i` of bin `bin`, unless it lies more than a pixel outside an axis of `length`.
    pub fn neighbours(&self, axis: &RoiAxis, bin: usize, i: usize, length: usize) -> Option<Neighbours> {
        let at = axis.sample(bin, i);
        if !(at >= -1.0 && at <= length as f32) {
            return None;
        }
        let at = at.max(0.0);
        let low = at as usize;
        if low >= length - 1 {
            return Some(Neighbours { low: length - 1, high: length - 1, weight: 0.0 });
        }
        Some(Neighbours { low, high: low + 1, weight: at - low as f32 })
    }
}

impl MaxRoiWork {
    /// The elements of bin `bin` of a region from `from` to `to` along height (0) or width (1): bounds are
    /// rounded half away from zero, and bins divided in whole numbers.
    pub fn bin(&self, axis: usize, bin: usize, from: f32, to: f32) -> std::ops::Range<usize> {
        let shape = &self.shape;
        let round = |v: f32| (v * shape.spatial_scale).round() as i64;
        let (start, end) = (round(from), round(to));
        let length = end.saturating_sub(start).saturating_add(1).max(1) as i128;
        let (bin, bins) = (bin as i128, shape.bins[axis] as i128);
        let clip = |v: i128| (v + i128::from(start)).clamp(0, shape.space[axis] as i128) as usize;
        let first = clip(bin * length / bins);
        let last = clip(((bin + 1) * length + bins - 1) / bins);
        first..last.max(first)
    }

    /// Elements of a region's largest bin at most.
    pub(crate) fn longest(&self, axis: usize, from: f32, to: f32) -> usize {
        let shape = &self.shape;
        let round = |v: f32| (v * shape.spatial_scale).round() as i64;
        let span = round(to).saturating_sub(round(from)).saturating_add(1).max(1) as usize;
        (span / shape.bins[axis]).saturating_add(2).min(shape.space[axis])
    }
}

impl RoiShape {
    /// Refuses the number of an image that is not there.
    pub(super) fn check_image(
        &self,
        op: &'static str,
        tensor: &'static str,
        at: usize,
        image: f64,
    ) -> Result<()> {
        if image.fract() == 0.0 && image >= 0.0 && image < self.batch as f64 {
            return Ok(());
        }
        let rule = format!("it must number one of the {} images", self.batch);
        Err(Error::value(op, tensor, at, image, rule))
    }
}

fn roi_shape(
    op: &'static str,
    x: &TensorDesc,
    rois: &TensorDesc,
    columns: usize,
    bins: [usize; 2],
    spatial_scale: f32,
    layout: Layout,
) -> Result<(RoiShape, Vec<usize>)> {
    require_dtype(op, "the regions", rois.dtype, &[DType::F32])?;
    let image = Image::of(op, &x.shape, layout)?;
    let &[height, width] = image.space.as_slice() else {
        return Err(Error::rank(op, "the images", &x.shape, "they must have two spatial axes"));
    };
    let regions = match rois.shape.as_slice() {
        &[regions, c] if c == columns => regions,
        _ => {
            let rule = format!("it must be [regions, {columns}]");
            return Err(Error::shape(op, "the regions", &rois.shape, rule));
        }
    };
    if bins.iter().any(|&b| b == 0 || b > MAX_LENGTH) {
        return Err(Error::parameter(op, "output", bins, "both lengths must be positive and below 2^31"));
    }
    if !(spatial_scale.is_finite() && spatial_scale > 0.0) {
        return Err(Error::parameter(op, "spatial_scale", spatial_scale, "it must be positive and finite"));
    }
    let regions_image = Image { batch: regions, channels: image.channels, space: bins.to_vec(), layout };
    let shape = regions_image.shape_with(image.channels, &bins)?;
    let work = RoiShape {
        dtype: x.dtype,
        batch: image.batch,
        channels: image.channels,
        space: [height, width],
        regions,
        bins,
        spatial_scale,
        input: Strides::of(layout, image.channels, [1, height, width]),
        output: Strides::of(layout, image.channels, [1, bins[0], bins[1]]),
        channels_last: layout == Layout::Nhwc,
    };
    Ok((work, shape))
}

pub(super) fn align(spec: &RoiAlign, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "RoiAlign";
    let [x, rois, images] = inputs else {
        return Err(Error::arity(op, "three (images, regions, image of each)", inputs.len()));
    };
    let (shape, output) = roi_shape(op, x, rois, 4, spec.output, spec.spatial_scale, spec.layout)?;
    require_dtype(op, "the image numbers", images.dtype, &[DType::I32])?;
    require_shape(op, "the image numbers", images, &[shape.regions], ", one for each region")?;
    if spec.sampling_ratio > MOST_SAMPLES {
        let rule = format!("it must be at most {MOST_SAMPLES}");
        return Err(Error::parameter(op, "sampling_ratio", spec.sampling_ratio, rule));
    }
    let work = RoiAlignWork {
        shape,
        sampling_ratio: spec.sampling_ratio,
        half_pixel: spec.half_pixel,
        mode: spec.mode,
    };
    let outputs = vec![TensorDesc { shape: output, dtype: x.dtype }];
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::RoiAlign(work) })
}

pub(super) fn max(spec: &MaxRoiPool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "MaxRoiPool";
    let [x, rois] = inputs else {
        return Err(Error::arity(op, "two (images, regions)", inputs.len()));
    };
    let (shape, output) = roi_shape(op, x, rois, 5, spec.output, spec.spatial_scale, spec.layout)?;
    let outputs = vec![TensorDesc { shape: output, dtype: x.dtype }];
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::MaxRoi(MaxRoiWork { shape }) })
}

/// The most samples that a bin may have along an axis. Without a bound a huge region would keep a GPU busy for good.
pub const MOST_SAMPLES: usize = 1024;

impl RoiAlignWork {
    /// Refuses regions so large that a bin would have more than [`MOST_SAMPLES`] samples along an axis.
    pub(super) fn check_samples(&self, op: &'static str, regions: &Tensor) -> Result<()> {
        let Data::F32(values) = regions.data() else { return Ok(()) };
        for (r, region) in values.chunks_exact(4).enumerate() {
            let &[x1, y1, x2, y2] = region else { continue };
            let samples = self.axis(0, y1, y2).samples.max(self.axis(1, x1, x2).samples);
            if samples > MOST_SAMPLES {
                let rule =
                    format!("a bin of it would have {samples} samples, at most {MOST_SAMPLES} are taken");
                return Err(Error::value(op, "regions", 4 * r, format!("{region:?}"), rule));
            }
        }
        Ok(())
    }
}

/// Refuses regions that are not finite, or so large that positions in them cannot be counted.
pub(super) fn check_regions(op: &'static str, rois: &Tensor, columns: usize, scale: f32) -> Result<()> {
    const MOST: f32 = 1e6;
    let coordinate = |at: usize| columns == 4 || !at.is_multiple_of(columns);
    let inside = |v: f32| v.abs() <= MOST && (v * scale).abs() <= MOST;
    let rule = format!("coordinates must be finite and within {MOST}, also times the scale {scale}");
    require_values(op, "regions", rois, |at, v| !coordinate(at) || inside(v), rule)
}
