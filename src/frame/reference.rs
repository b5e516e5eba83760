//! Frames in 64-bit floats and plain loops, written to be read: what the kernels are checked against.

use super::{FrameChannels, FramePlan, OverlayPlan, Shown};
use crate::error::{Error, Result};
use crate::geometry::{Strides, positions};
use crate::reference::{Exact, add_store_rounding};
use crate::spec::Layout;
use crate::tensor::{Tensor, TensorDesc};

/// How far an element may be from the reference, per unit of `|scale| (1 + |mean|)`, for a source of bytes.
///
/// Let `u = 2^-24` be half the spacing of f32 at 1. All terms lie in 0..1, so relative errors are absolute ones too:
/// - a byte over 255 is within 3 u, by a division of 2.5 units in the last place or a texture unit's 0.6;
/// - a weight is a quotient of two whole numbers, within 5 u (2.5 units and the conversions of its operands), and one
///   minus it within 6 u. Both weights' errors shift one interpolation by at most 6 u, its products and its sum round by
///   2 u more; there are two of them one upon the other, so that the pixel is within 3 + 8 + 8 = 19 u;
/// - luminance adds the rounding of three weights, of three products and of three sums: at most 6 u, so 25 u;
/// - `(x - mean) * scale` rounds twice, by `u |x - mean|` and `u |result|`: at most `2 u (1 + |mean|)` for each unit of
///   scale.
///
/// That is 27 u; 32 u are allowed.
const BOUND: f64 = 32.0 / (1u64 << 24) as f64;

/// How far an entry of the colour map may be computed from where it lies, in entries: differences, products and the
/// half added round by at most 4 half-spacings at 256.
const ENTRY_BOUND: f64 = 1.0 / 8192.0;

/// The image that a plan writes, of a frame's bytes, with the bound of each element; the shape's batch is 1.
///
/// For a texture `pixels` are four bytes each, as `Rgba8Unorm` has them.
///
/// # Errors
/// [`Error::Shape`] if there are fewer or more bytes than the plan's frame has.
///
/// ```
/// use wgpool::frame::{FramePlan, FrameToTensor, reference};
/// let spec = FrameToTensor::from_buffer(1, 1, 3).mean([0.5]).scale([2.0]);
/// let plan = FramePlan::new(&spec, &wgpool::Caps::default())?;
/// assert_eq!(reference::frame_to_tensor(&plan, &[0, 255, 51])?.values, [-1.0, 1.0, -0.6]);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn frame_to_tensor(plan: &FramePlan, pixels: &[u8]) -> Result<Exact> {
    let spec = plan.spec();
    if pixels.len() != plan.frame().bytes() {
        let rule = format!("{:?} bytes were planned", plan.frame().shape);
        return Err(Error::shape(super::read_plan::OP, "the frame", &[pixels.len()], rule));
    }
    let source_channels = spec.source.channels();
    let stored = |x: usize, y: usize, channel: usize| {
        let [width, _] = spec.source.size();
        let at = ((spec.crop.y + y) * width + spec.crop.x + x) * source_channels + channel;
        pixels.get(at).map_or(f64::NAN, |&byte| f64::from(byte) / 255.0)
    };
    // Channel 0 to 2 of a pixel is a colour, 3 is alpha.
    let pixel = |x: usize, y: usize, channel: usize| match (source_channels, channel) {
        (1 | 3, 3) => 1.0,
        (1, _) => stored(x, y, 0),
        (2, 3) => stored(x, y, 1),
        (2, _) => stored(x, y, 0),
        _ => stored(x, y, channel),
    };
    let value = |x: usize, y: usize, channel: usize| match spec.channels {
        FrameChannels::Luminance => 0.299 * pixel(x, y, 0) + 0.587 * pixel(x, y, 1) + 0.114 * pixel(x, y, 2),
        FrameChannels::Only(only) => stored(x, y, only),
        FrameChannels::Rgb | FrameChannels::Rgba => pixel(x, y, channel),
    };

    let channels = spec.channels.count();
    let shape = spec.layout.shape(1, channels, &[spec.height, spec.width]);
    let mut image = Exact::of(TensorDesc { shape, dtype: spec.dtype }, Vec::new(), Vec::new());
    let of = |values: &[f32], c: usize| f64::from(values.get(c).or(values.first()).copied().unwrap_or(0.0));
    let mut element = |channel: usize, row: usize, column: usize| {
        let (left, right, h) = neighbours(column, spec.crop.width, spec.width);
        let (top, bottom, v) = neighbours(row, spec.crop.height, spec.height);
        let above = (1.0 - h) * value(left, top, channel) + h * value(right, top, channel);
        let below = (1.0 - h) * value(left, bottom, channel) + h * value(right, bottom, channel);
        let (mean, scale) = (of(&spec.mean, channel), of(&spec.scale, channel));
        image.values.push(((1.0 - v) * above + v * below - mean) * scale);
        image.bound.push(BOUND * scale.abs() * (1.0 + mean.abs()));
    };
    match spec.layout {
        Layout::Nchw => positions([channels, spec.height, spec.width]).for_each(|[c, y, x]| element(c, y, x)),
        Layout::Nhwc => positions([spec.height, spec.width, channels]).for_each(|[y, x, c]| element(c, y, x)),
    }
    add_store_rounding(&mut image);
    Ok(image)
}

/// The two pixels that an element lies between, and the weight of the second.
fn neighbours(at: usize, length: usize, outputs: usize) -> (usize, usize, f64) {
    let last = length - 1;
    let position = (at as f64 + 0.5) * length as f64 / outputs as f64 - 0.5;
    let position = position.clamp(0.0, last as f64);
    let low = position.floor();
    (low as usize, (low as usize + 1).min(last), position - low)
}

/// The picture of a tensor, row after row: of each pixel the two colours that a 32-bit implementation may choose. They
/// differ only where a value lies on the edge between two entries of the colour map.
///
/// # Errors
/// [`Error::Shape`] if `tensor` is not what was planned.
pub fn tensor_to_frame(plan: &OverlayPlan, tensor: &Tensor) -> Result<Vec<[[u8; 4]; 2]>> {
    let spec = plan.spec();
    if tensor.desc() != spec.tensor {
        let rule = format!("{} was planned", spec.tensor);
        return Err(Error::shape(super::overlay_plan::OP, "the tensor", tensor.shape(), rule));
    }
    let &[a, b, c] = spec.tensor.shape.get(1..).unwrap_or_default() else {
        return Ok(Vec::new());
    };
    let (channels, height, width) = match spec.layout {
        Layout::Nchw => (a, b, c),
        Layout::Nhwc => (c, a, b),
    };
    let strides = Strides::of(spec.layout, channels, [1, height, width]);
    let value = |channel: usize, row: usize, column: usize| {
        let at = strides.at(spec.image, channel, [0, row, column]);
        tensor.data().get(at).unwrap_or(f64::NAN)
    };
    let mut picture = Vec::with_capacity(plan.width() * plan.height());
    for y in 0..plan.height() {
        for x in 0..plan.width() {
            let row = (2 * y + 1) * height / (2 * plan.height());
            let column = (2 * x + 1) * width / (2 * plan.width());
            let shown = match spec.shown {
                Shown::Channel(channel) => value(channel, row, column),
                Shown::Classes => class((0..channels).map(|channel| value(channel, row, column))),
            };
            picture.push(colors(plan, shown));
        }
    }
    Ok(picture)
}

/// The number of the first largest value, NaN if one is NaN.
fn class(values: impl Iterator<Item = f64>) -> f64 {
    let mut best = (f64::NEG_INFINITY, 0);
    for (class, value) in values.enumerate() {
        if value.is_nan() {
            return f64::NAN;
        }
        if value > best.0 {
            best = (value, class);
        }
    }
    best.1 as f64
}

fn colors(plan: &OverlayPlan, value: f64) -> [[u8; 4]; 2] {
    let spec = plan.spec();
    if value.is_nan() {
        return [spec.nan; 2];
    }
    let (low, high) = plan.range();
    let (low, high) = (f64::from(low), f64::from(high));
    let entry = (value.clamp(low, high) - low) / (high - low) * 255.0 + 0.5;
    let color = |entry: f64| {
        let [.., last] = *spec.colors.entries();
        spec.colors.entries().get(entry.max(0.0) as usize).copied().unwrap_or(last)
    };
    [color(entry - ENTRY_BOUND), color(entry + ENTRY_BOUND)]
}
