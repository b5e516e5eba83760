//! Planning [`FrameToTensor`]: the only place that validates it.

use super::{FrameChannels, FrameSource, FrameToTensor, check_positions};
use crate::dtype::{DType, FLOATS};
use crate::error::{Error, Result};
use crate::geometry::Strides;
use crate::kernel::{FrameParams, FrameRead};
use crate::plan::{Caps, Planner, Step};
use crate::problem::require_dtype;
use crate::tensor::{TensorDesc, checked_elements};

pub(super) const OP: &str = "FrameToTensor";

/// A checked [`FrameToTensor`] and the dispatch that computes it. Pure: no device is needed.
///
/// ```
/// use wgpool::frame::{Crop, FramePlan, FrameToTensor};
/// let caps = wgpool::Caps::default();
/// let spec = FrameToTensor::from_texture(64, 48).size(32, 32).slot(2, 8);
/// assert_eq!(FramePlan::new(&spec, &caps)?.output().shape, [8, 3, 32, 32]);
/// let outside = spec.crop(Crop { x: 40, y: 0, width: 32, height: 32 });
/// assert!(FramePlan::new(&outside, &caps).unwrap_err().to_string().contains("64"));
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FramePlan {
    spec: FrameToTensor,
    output: TensorDesc,
    frame: TensorDesc,
    pub(super) step: Step,
}

impl FramePlan {
    /// Checks a spec for a device with `caps`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a size of zero, a crop outside the source, channels that there are not, a mean or scale
    /// that is not finite, a slot outside the batch; [`Error::Type`] for types that are no floats;
    /// [`Error::TooLarge`], [`Error::Limit`] and [`Error::Feature`] for what the device cannot hold.
    pub fn new(spec: &FrameToTensor, caps: &Caps) -> Result<FramePlan> {
        check(spec)?;
        let channels = spec.channels.count();
        let shape = spec.layout.shape(spec.batch, channels, &[spec.height, spec.width]);
        checked_elements("output", &shape)?;
        let output = TensorDesc { shape, dtype: spec.dtype };
        caps.check_tensor(OP, &output)?;
        if spec.dtype.row().needs_f16 && !caps.f16 {
            return Err(Error::Feature { op: OP, feature: "SHADER_F16" });
        }
        let [width, height] = spec.source.size();
        let shape = vec![height, width, spec.source.channels()];
        checked_elements("frame", &shape)?;
        let frame = TensorDesc { shape, dtype: DType::U8 };
        let texture = matches!(spec.source, FrameSource::Texture { .. });
        if !texture {
            caps.check_tensor(OP, &frame)?;
        }
        let p = Planner::new(OP, caps);
        let params = params(&p, spec, channels)?;
        let kernel = FrameRead { texture, dtype: spec.dtype };
        let step = Step::new(kernel, &params, vec![], p.invocations(spec.width as u64 * spec.height as u64)?);
        Ok(FramePlan { spec: spec.clone(), output, frame, step })
    }

    /// What was planned.
    pub fn spec(&self) -> &FrameToTensor {
        &self.spec
    }

    /// The whole tensor, all images of the batch.
    pub fn output(&self) -> &TensorDesc {
        &self.output
    }

    /// The bytes of the source as `[height, width, channels]`: what the frame's buffer must hold, or a texture of four
    /// bytes a pixel does hold.
    pub fn frame(&self) -> &TensorDesc {
        &self.frame
    }
}

fn check(spec: &FrameToTensor) -> Result<()> {
    let [width, height] = spec.source.size();
    let crop = &spec.crop;
    let lengths = [
        ("source width", width),
        ("source height", height),
        ("crop width", crop.width),
        ("crop height", crop.height),
        ("output width", spec.width),
        ("output height", spec.height),
    ];
    if let Some((name, length)) = lengths.into_iter().find(|(_, length)| *length == 0) {
        return Err(Error::parameter(OP, name, length, "it must be at least 1"));
    }
    let inside =
        |start: usize, length: usize, whole| start.checked_add(length).is_some_and(|end| end <= whole);
    if !inside(crop.x, crop.width, width) || !inside(crop.y, crop.height, height) {
        let rule = format!("it must lie inside the source of {width} x {height} pixels");
        return Err(Error::parameter(OP, "crop", format_args!("{crop}"), rule));
    }
    let channels = spec.source.channels();
    if !(1..=4).contains(&channels) {
        return Err(Error::parameter(OP, "source channels", channels, "a pixel has 1 to 4 channels"));
    }
    if let FrameChannels::Only(channel) = spec.channels
        && channel >= channels
    {
        let rule = format!("the source has {channels} channels, counted from 0");
        return Err(Error::parameter(OP, "channel", channel, rule));
    }
    for (name, values) in [("mean", &spec.mean), ("scale", &spec.scale)] {
        let count = spec.channels.count();
        if values.len() != 1 && values.len() != count {
            let rule = format!("it must be one number, or one for each of {count} channels");
            return Err(Error::parameter(OP, name, values, rule));
        }
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::parameter(OP, name, values, "it must be finite"));
        }
    }
    require_dtype(OP, "the output", spec.dtype, &FLOATS)?;
    if spec.slot >= spec.batch {
        let rule = format!("the batch has {} images, counted from 0", spec.batch);
        return Err(Error::parameter(OP, "slot", spec.slot, rule));
    }
    check_positions(OP, crop.width, spec.width)?;
    check_positions(OP, crop.height, spec.height)
}

fn params(p: &Planner, spec: &FrameToTensor, channels: usize) -> Result<FrameParams> {
    let n = |value| p.u32(value);
    let crop = &spec.crop;
    let pixels = spec.width * spec.height;
    let Strides { c: channel, space: [_, row, column], .. } =
        Strides::of(spec.layout, channels, [1, spec.height, spec.width]);
    Ok(FrameParams {
        crop: [n(crop.x)?, n(crop.y)?, n(crop.width)?, n(crop.height)?],
        out_size: [n(spec.width)?, n(spec.height)?, n(channels)?, n(pixels)?],
        out_stride: [n(spec.slot * channels * pixels)?, n(column)?, n(row)?, n(channel)?],
        source: [n(spec.source.size()[0])?, n(spec.source.channels())?, 0, 0],
        weights: weights(spec),
        mean: four(&spec.mean),
        scale: four(&spec.scale),
    })
}

/// What each channel of the tensor takes of red, green, blue and alpha.
fn weights(spec: &FrameToTensor) -> [[f32; 4]; 4] {
    let [r, g, b, a] =
        [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]];
    let only = |weights| [weights, [0.0; 4], [0.0; 4], [0.0; 4]];
    match spec.channels {
        FrameChannels::Luminance => only([0.299, 0.587, 0.114, 0.0]),
        FrameChannels::Only(channel) => match (spec.source.channels(), channel) {
            // The alpha that goes with grey comes second in the source, and last in a pixel.
            (2, 1) | (_, 3) => only(a),
            (_, 2) => only(b),
            (_, 1) => only(g),
            _ => only(r),
        },
        FrameChannels::Rgb | FrameChannels::Rgba => [r, g, b, a],
    }
}

/// One number for all channels, or one for each.
fn four(values: &[f32]) -> [f32; 4] {
    let last = values.last().copied().unwrap_or_default();
    let mut all = [last; 4];
    for (to, value) in all.iter_mut().zip(values) {
        *to = *value;
    }
    all
}
