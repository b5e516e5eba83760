//! Planning [`TensorToFrame`]: the only place that validates it.

use super::{Shown, TensorToFrame, check_positions};
use crate::dtype::FLOATS;
use crate::error::{Error, Result};
use crate::geometry::Strides;
use crate::kernel::{FrameShow, ShowParams};
use crate::plan::{Caps, Planner, Step, loop_limit::Iterations};
use crate::problem::require_dtype;
use crate::spec::Layout;
use crate::tensor::checked_elements;

pub(super) const OP: &str = "TensorToFrame";

/// The smallest difference of a range: below it, what a GPU may flush to zero would show.
const SMALLEST_RANGE: f32 = 1e-30;

/// A checked [`TensorToFrame`] and the dispatch that computes it. Pure: no device is needed.
///
/// ```
/// use wgpool::frame::{OverlayPlan, TensorToFrame};
/// let spec = TensorToFrame::channel(wgpool::TensorDesc::f32([1, 8, 16, 12]), 7);
/// let plan = OverlayPlan::new(&spec, &wgpool::Caps::default())?;
/// assert_eq!((plan.width(), plan.height()), (12, 16));
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OverlayPlan {
    spec: TensorToFrame,
    pub(super) image: Image,
    pub(super) range: (f32, f32),
    width: usize,
    height: usize,
    pub(super) step: Step,
}

/// Where the image lies in the tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Image {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    /// Its first element, then the distance of columns, rows and channels.
    pub strides: [usize; 4],
}

impl OverlayPlan {
    /// Checks a spec for a device with `caps`.
    ///
    /// # Errors
    /// [`Error::Rank`], [`Error::Shape`] and [`Error::Type`] for a tensor that is no batch of images of floats;
    /// [`Error::Parameter`] for an image or channel that there is not, a range that is empty or not finite, a size of
    /// zero; [`Error::TooLarge`], [`Error::Limit`] and [`Error::Feature`] for what the device cannot hold.
    pub fn new(spec: &TensorToFrame, caps: &Caps) -> Result<OverlayPlan> {
        let image = image(spec)?;
        let p = Planner::new(OP, caps);
        caps.check_tensor(OP, &spec.tensor)?;
        if spec.tensor.dtype.row().needs_f16 && !caps.f16 {
            return Err(Error::Feature { op: OP, feature: "SHADER_F16" });
        }
        let (width, height) = spec.size.unwrap_or((image.width, image.height));
        for (name, length) in [("picture width", width), ("picture height", height)] {
            if length == 0 {
                return Err(Error::parameter(OP, name, length, "it must be at least 1"));
            }
        }
        checked_elements("picture", &[height, width, 4])?;
        check_positions(OP, image.width, width)?;
        check_positions(OP, image.height, height)?;
        let classes = spec.shown == Shown::Classes;
        if classes {
            Iterations::default().repeated(image.channels).check(&p)?;
        }
        let last = match classes {
            true => image.channels.saturating_sub(1).max(1) as f32,
            false => 1.0,
        };
        let (low, high) = spec.range.unwrap_or((0.0, last));
        if !(low.is_finite() && (high - low).is_finite() && high - low >= SMALLEST_RANGE) {
            let rule = format!("low and high must be finite, and high at least {SMALLEST_RANGE:e} above low");
            return Err(Error::parameter(OP, "range", (low, high), rule));
        }
        let [column, row] = [width, height].map(|length| p.u32(length));
        let n = |value| p.u32(value);
        let [first, columns, rows, channels] = image.strides;
        let params = ShowParams {
            out_size: [column?, row?, n(width * height)?, 0],
            in_size: [n(image.width)?, n(image.height)?, n(image.channels)?, 0],
            in_stride: [n(first)?, n(columns)?, n(rows)?, n(channels)?],
            low,
            high,
            entries: (255.0 / (f64::from(high) - f64::from(low))) as f32,
            nan: u32::from_le_bytes(spec.nan),
            colors: spec.colors.words(),
        };
        let kernel = FrameShow { classes, dtype: spec.tensor.dtype };
        let step = Step::new(kernel, &params, vec![], p.invocations(width as u64 * height as u64)?);
        Ok(OverlayPlan { spec: spec.clone(), image, range: (low, high), width, height, step })
    }

    /// What was planned.
    pub fn spec(&self) -> &TensorToFrame {
        &self.spec
    }

    /// The picture's width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The picture's height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The values of the first and last colour.
    pub fn range(&self) -> (f32, f32) {
        self.range
    }
}

/// The image that is shown, from its first shown channel on.
fn image(spec: &TensorToFrame) -> Result<Image> {
    let shape = &spec.tensor.shape;
    let (batch, channels, height, width) = match (spec.layout, shape.as_slice()) {
        (Layout::Nchw, &[n, c, h, w]) => (n, c, h, w),
        (Layout::Nhwc, &[n, h, w, c]) => (n, c, h, w),
        _ => {
            let rule = "it must be batch, channels, height and width";
            return Err(Error::rank(OP, "the tensor", shape, rule));
        }
    };
    if channels == 0 || height == 0 || width == 0 {
        return Err(Error::shape(OP, "the tensor", shape, "only the batch may be 0"));
    }
    let elements = checked_elements("tensor", shape)?;
    require_dtype(OP, "the tensor", spec.tensor.dtype, &FLOATS)?;
    if spec.image >= batch {
        let rule = format!("the batch has {batch} images, counted from 0");
        return Err(Error::parameter(OP, "image", spec.image, rule));
    }
    let Strides { c: channel, space: [_, row, column], .. } =
        Strides::of(spec.layout, channels, [1, height, width]);
    let first = match spec.shown {
        Shown::Classes => 0,
        Shown::Channel(shown) if shown < channels => shown * channel,
        Shown::Channel(shown) => {
            let rule = format!("the tensor has {channels} channels, counted from 0");
            return Err(Error::parameter(OP, "channel", shown, rule));
        }
    };
    let strides = [elements / batch * spec.image + first, column, row, channel];
    Ok(Image { width, height, channels, strides })
}
