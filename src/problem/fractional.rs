//! Fractional max pooling problems.

use super::image::Image;
use super::pool::outputs_with_indices;
use super::{Problem, Work, require_dtype, require_shape, require_values};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{Axis, MAX_SPATIAL, Strides, per_axis, three};
use crate::problem::PoolWork;
use crate::spec::{FractionalMaxPool, PoolKind};
use crate::tensor::{Tensor, TensorDesc};

/// Windows of one axis of fractional pooling: they start where a random sample puts them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FractionalAxis {
    /// Length of the input.
    pub input: usize,
    /// Taps of the window.
    pub kernel: usize,
    /// Number of windows.
    pub output: usize,
    /// Mean distance between windows, `(input - kernel) / (output - 1)` in 32-bit floats.
    pub alpha: f32,
    /// Which of a plane's samples is this axis'.
    pub sample: usize,
}

impl FractionalAxis {
    /// Where window `o` starts, in PyTorch's own 32-bit arithmetic.
    pub fn start(&self, o: usize, sample: f32) -> usize {
        let last = self.input - self.kernel;
        if o + 1 == self.output {
            return last;
        }
        let at = |i: f32| ((i + sample) * self.alpha) as usize;
        let first = (sample * self.alpha) as usize;
        at(o as f32).saturating_sub(first).min(last)
    }
}

/// Fractional max pooling with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FractionalWork {
    /// Strides, channels and numbering; its axes hold lengths and number of windows alone.
    pub pool: PoolWork,
    /// Windows along depth, height and width.
    pub axes: [FractionalAxis; MAX_SPATIAL],
    /// Samples of a plane.
    pub samples: usize,
}

impl FractionalWork {
    /// Starts of the window `[d, h, w]` of a plane.
    pub fn starts(
        &self,
        window: [usize; MAX_SPATIAL],
        samples: impl Fn(usize) -> f32,
    ) -> [usize; MAX_SPATIAL] {
        std::array::from_fn(|i| self.axes[i].start(window[i], samples(self.axes[i].sample)))
    }

    /// Refuses samples outside `0..1`.
    pub(super) fn check_samples(&self, op: &'static str, samples: &Tensor) -> Result<()> {
        let rule = "it must be at least 0 and below 1";
        require_values(op, "samples", samples, |_, sample| (0.0..1.0).contains(&sample), rule)
    }
}

pub(super) fn fractional(spec: &FractionalMaxPool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "fractional max pooling";
    let [x, samples] = inputs else {
        return Err(Error::arity(op, "two (input, samples)", inputs.len()));
    };
    require_dtype(op, "the samples", samples.dtype, &[DType::F32])?;
    let image = Image::of(op, &x.shape, spec.layout)?;
    let rank = image.rank();
    let each = [image.batch, image.channels, rank];
    require_shape(op, "the samples", samples, &each, ": batch, channels, axes")?;
    let window = per_axis(op, "window", &spec.window, rank)?;
    let output = per_axis(op, "output", &spec.output, rank)?;
    let mut axes = Vec::with_capacity(rank);
    for i in 0..rank {
        let (input, kernel, output) = (image.space[i], window[i], output[i]);
        let fits = kernel.checked_add(output).is_some_and(|sum| kernel > 0 && output > 0 && sum - 1 <= input);
        if !fits {
            let rule = format!(
                "on axis {i} both must be positive, and window + output - 1 at most the input's {input}"
            );
            return Err(Error::parameter(
                op,
                "window and output",
                format_args!("{kernel} and {output}"),
                rule,
            ));
        }
        let alpha = if output > 1 { (input - kernel) as f32 / (output - 1) as f32 } else { 0.0 };
        // PyTorch's samples of two axes are in the order width, height; of three in the order of the axes.
        let sample = if rank == 2 { 1 - i } else { i };
        axes.push(FractionalAxis { input, kernel, output, alpha, sample });
    }
    let unit = FractionalAxis { input: 1, kernel: 1, output: 1, alpha: 0.0, sample: 0 };
    let axes = three(&axes, unit);
    let shape = image.shape_with(image.channels, &output)?;
    let pool = PoolWork {
        kind: PoolKind::Max,
        dtype: x.dtype,
        batch: image.batch,
        channels: image.channels,
        axes: axes.map(|a| Axis { input: a.input, kernel: a.kernel, output: a.output, ..Axis::UNIT }),
        input: Strides::of(image.layout, image.channels, image.space3()),
        output: Strides::of(image.layout, image.channels, three(&output, 1)),
        indices: spec.indices,
    };
    let outputs = outputs_with_indices(op, &pool, shape)?;
    let work = FractionalWork { pool, axes, samples: rank };
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Fractional(work) })
}
