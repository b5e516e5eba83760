//! Gradients of pooling and unpooling.

use super::{GradientWork, problem, require_gradient, two};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{Axis, MAX_SPATIAL};
use crate::problem::image::Image;
use crate::problem::{FractionalAxis, PoolWork, Problem, UnpoolWork, Work};
use crate::problem::{fractional, pool as forward, require_dtype, require_shape, unpool as unpooling};
use crate::spec::gradient::{MaxUnpoolGradient, PoolGradient, Pooling};
use crate::spec::{IndexNumbering, PoolKind};
use crate::tensor::{Data, Tensor, TensorDesc, checked_elements};

/// The gradient of pooling with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PoolGradientWork {
    /// The forward pass: its output is the gradient that comes in, its input the one that goes out. Its numbering is that of a
    /// maximum's indices.
    pub pool: PoolWork,
    /// The windows, where they lie at pseudo-random places; the forward pass's axes then hold lengths alone.
    pub fractional: Option<[FractionalAxis; MAX_SPATIAL]>,
}

impl FractionalAxis {
    /// Whether window `o` covers a position for some sample. That is known within rounding errors; more of them may be told.
    fn may_cover(&self, o: usize, position: usize) -> bool {
        // A single window starts where the last of several does.
        let start = match self.output {
            1 => (self.input - self.kernel) as f64,
            _ => o as f64 * f64::from(self.alpha),
        };
        let at = position as f64;
        let slack = 2.0 + self.slack();
        at >= start - slack && at < start + self.kernel as f64 + slack
    }

    /// The most windows that kernels go through on a position: those that may cover it, and some more for rounding.
    pub(crate) fn most_on(&self) -> usize {
        if self.output < 2 {
            return 1;
        }
        let alpha = f64::from(self.alpha);
        let reach = self.kernel as f64 + 2.0 * (4.0 + 2.0 * self.slack());
        let windows = reach / alpha + 6.0 + self.output as f64 * 4.0 * f64::from(f32::EPSILON) * 4.0;
        (windows as usize).min(self.output)
    }

    /// Elements that rounding may move a start by.
    fn slack(&self) -> f64 {
        self.input as f64 * f64::from(f32::EPSILON) * 4.0
    }
}

impl PoolGradientWork {
    /// Whether it goes by indices.
    pub(crate) fn is_max(&self) -> bool {
        self.pool.kind == PoolKind::Max
    }

    /// Inputs of the problem.
    pub(crate) fn inputs(&self) -> u32 {
        match self.pool.kind {
            PoolKind::Max => 2,
            PoolKind::Average { .. } => 1,
            PoolKind::Lp { .. } | PoolKind::LpTorch { .. } => 3,
        }
    }

    /// What the gradient of a maximum is without the sums: its values are put where their indices say.
    pub(crate) fn unpooling(&self) -> UnpoolWork {
        let PoolWork { dtype, batch, channels, axes, input, output, indices, .. } = self.pool;
        let (space, windows) = (axes.map(|a| a.input), axes.map(|a| a.output));
        UnpoolWork {
            dtype,
            batch,
            channels,
            in_space: windows,
            out_space: space,
            indexed: space,
            input: output,
            output: input,
            numbering: indices.unwrap_or(IndexNumbering::PerPlane),
        }
    }

    /// Whether windows have no element in common.
    pub(crate) fn lie_apart(&self) -> bool {
        let apart = |axis: &Axis| !axis.adaptive && (axis.output == 1 || axis.stride >= axis.span());
        self.fractional.is_none() && self.pool.axes.iter().all(apart)
    }

    /// What a window's sum of powers was multiplied by, of whose taps so many lie inside: by PyTorch's rule as if all did.
    pub(crate) fn norm_scale(&self, inside: f64) -> f64 {
        match self.pool.kind {
            PoolKind::LpTorch { .. } => {
                self.pool.axes.iter().map(|a| a.kernel as f64).product::<f64>() / inside
            }
            _ => 1.0,
        }
    }

    /// What the mean of window `o` was divided by, or how many taps lie inside.
    pub(crate) fn divisor(&self, o: [usize; MAX_SPATIAL]) -> f64 {
        let count = |of: fn(&Axis, usize) -> usize| -> f64 {
            // Padding may make windows larger than what a usize counts.
            self.pool.axes.iter().zip(o).map(|(axis, o)| of(axis, o) as f64).product()
        };
        match self.pool.kind {
            PoolKind::Average { divisor: Some(divisor), .. } => f64::from(divisor),
            PoolKind::Average { count_include_pad: true, .. } => count(Axis::taps_padded),
            _ => count(|axis, o| axis.taps_inside(o).len()),
        }
    }

    /// Whether the window `o` can have taken its maximum from a position.
    fn covers(&self, o: [usize; MAX_SPATIAL], position: [usize; MAX_SPATIAL]) -> bool {
        (0..MAX_SPATIAL).all(|i| match &self.fractional {
            Some(axes) => axes[i].may_cover(o[i], position[i]),
            None => {
                let mut on = self.pool.axes[i].windows_on(position[i]);
                on.any(|window| window == o[i])
            }
        })
    }

    /// Whether all indices are those of elements of their windows, as far as that is known without a division for each: of small
    /// windows that slide.
    fn all_covered(&self, indices: &[i32]) -> bool {
        /// Rows of taps of a window.
        const ROWS: usize = 16;
        let [depth, height, width] = &self.pool.axes;
        let sliding = self.fractional.is_none() && self.pool.axes.iter().all(|axis| !axis.adaptive);
        let numbering = self.pool.indices.unwrap_or(IndexNumbering::PerPlane);
        if !sliding || depth.kernel * height.kernel > ROWS || numbering == IndexNumbering::WholeColumnMajor {
            return false;
        }
        let plane = depth.input * height.input * width.input;
        let PoolWork { channels, output, .. } = &self.pool;
        // Channels that lie last are gone through window by window, as they lie.
        let together = if output.space[MAX_SPATIAL - 1] == 1 { 1 } else { *channels };
        let blocks = (0..self.pool.batch).flat_map(|n| (0..*channels).step_by(together).map(move |c| (n, c)));
        let mut of_image = blocks.flat_map(|(n, first)| {
            let rows = (0..depth.output).flat_map(|d| (0..height.output).map(move |h| (d, h)));
            rows.map(move |(d, h)| (n, first, d, h))
        });
        of_image.all(|(n, first, d, h)| {
            let mut rows = [0; ROWS];
            let taps = depth.taps_inside(d).flat_map(|td| height.taps_inside(h).map(move |th| (td, th)));
            let inside = taps.filter_map(|(td, th)| depth.position(d, td).zip(height.position(h, th)));
            let mut count = 0;
            for ((d, h), row) in inside.zip(&mut rows) {
                *row = (d * height.input + h) * width.input;
                count += 1;
            }
            (0..width.output).all(|w| {
                let taps = width.taps_inside(w);
                let from = width.position(w, taps.start).unwrap_or(0);
                let at = output.at(n, first, [d, h, w]);
                let Some(indices) = indices.get(at..at + together) else { return false };
                indices.iter().zip(first..).all(|(&index, c)| {
                    let start =
                        if numbering == IndexNumbering::PerPlane { 0 } else { (n * channels + c) * plane };
                    let Ok(index) = usize::try_from(index) else { return index == -1 };
                    rows[..count].iter().any(|row| {
                        let tap = index.wrapping_sub(start + row + from);
                        // A position ahead of the first has become a huge number.
                        match width.dilation {
                            1 => tap < taps.len(),
                            dilation => tap.is_multiple_of(dilation) && tap / dilation < taps.len(),
                        }
                    })
                })
            })
        })
    }

    /// Refuses indices of elements that their windows do not have.
    pub(super) fn check_indices(&self, op: &'static str, indices: &Tensor) -> Result<()> {
        let Data::I32(indices) = indices.data() else { return Ok(()) };
        if self.all_covered(indices) {
            return Ok(());
        }
        let unpooling = self.unpooling();
        let mut wrong = None;
        unpooling.for_each_input(|n, c, window| {
            let at = unpooling.input.at(n, c, window);
            let Some(&index) = indices.get(at).filter(|&&index| index != -1) else { return };
            let position = unpooling.position(i64::from(index), n, c);
            if wrong.is_none() && !position.is_some_and(|position| self.covers(window, position)) {
                wrong = Some((at, index));
            }
        });
        let Some((at, index)) = wrong else { return Ok(()) };
        let rule = format!(
            "it must be that of an element of its window ({}; the input has {:?}), or -1",
            unpooling.numbering, unpooling.out_space
        );
        Err(Error::value(op, "indices", at, index, rule))
    }
}

pub(super) fn pool(spec: &PoolGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of pooling";
    let Some(gradient) = inputs.first() else {
        return Err(Error::arity(op, "one to three (gradient, and what the forward pass had)", 0));
    };
    let layout = match &spec.of {
        Pooling::Sliding(pool) => pool.layout,
        Pooling::Global(pool) => pool.layout,
        Pooling::Adaptive(pool) => pool.layout,
        Pooling::Fractional(pool) => pool.layout,
    };
    checked_elements("input", &spec.input)?;
    let x = TensorDesc { shape: spec.input.clone(), dtype: gradient.dtype };
    let image = Image::of(op, &x.shape, layout)?;
    let whole = std::slice::from_ref(&x);
    let passed = match &spec.of {
        Pooling::Sliding(pool) => forward::sliding(pool, whole)?,
        Pooling::Global(pool) => forward::global(pool, whole)?,
        Pooling::Adaptive(pool) => forward::adaptive(pool, whole)?,
        Pooling::Fractional(pool) => {
            let samples = TensorDesc::f32([image.batch, image.channels, image.rank()]);
            fractional::fractional(pool, &[x.clone(), samples])?
        }
    };
    let mut work = match passed.work {
        Work::Pool(pool) => PoolGradientWork { pool, fractional: None },
        Work::Fractional(work) => PoolGradientWork { pool: work.pool, fractional: Some(work.axes) },
        _ => return Err(Error::parameter(op, "of", &spec.of, "it must be pooling")),
    };
    if let Some(output) = passed.outputs.first() {
        require_gradient(op, gradient, &output.shape)?;
    }
    if matches!(spec.of, Pooling::Global(_)) && work.is_max() {
        work.pool.indices = Some(IndexNumbering::PerPlane);
    }
    let index = |desc| require_dtype(op, "the indices", desc, &[DType::I32]);
    let float = |name, desc| require_dtype(op, name, desc, &[gradient.dtype]);
    match (work.pool.kind, inputs) {
        (PoolKind::Max, [_, indices]) => {
            if work.pool.indices.is_none() {
                let rule = "the forward pass must have stored them, since the gradient goes by them";
                return Err(Error::parameter(op, "indices", work.pool.indices, rule));
            }
            index(indices.dtype)?;
            require_shape(op, "the indices", indices, &gradient.shape, ", as the gradient has")?;
        }
        (PoolKind::Average { .. }, [_]) => {}
        (PoolKind::Lp { .. } | PoolKind::LpTorch { .. }, [_, input, output]) => {
            float("the input", input.dtype)?;
            float("the output", output.dtype)?;
            require_shape(op, "the input", input, &x.shape, ", as the forward pass had")?;
            require_shape(op, "the output", output, &gradient.shape, ", as the gradient has")?;
        }
        (PoolKind::Max, _) => return Err(Error::arity(op, "two (gradient, indices)", inputs.len())),
        (PoolKind::Average { .. }, _) => return Err(Error::arity(op, "one (gradient)", inputs.len())),
        (PoolKind::Lp { .. } | PoolKind::LpTorch { .. }, _) => {
            return Err(Error::arity(op, "three (gradient, input, output)", inputs.len()));
        }
    }
    Ok(problem(op, inputs, x, Work::Gradient(GradientWork::Pool(Box::new(work)))))
}

pub(super) fn unpool(spec: &MaxUnpoolGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of max unpooling";
    let [gradient, indices] = two(op, "two (gradient, indices)", inputs)?;
    let x = TensorDesc { shape: indices.shape.clone(), dtype: gradient.dtype };
    let passed = unpooling::unpool(&spec.of, &[x.clone(), indices.clone()])?;
    if let Some(output) = passed.outputs.first() {
        require_gradient(op, gradient, &output.shape)?;
    }
    let Work::Unpool(work) = passed.work else {
        return Err(Error::parameter(op, "of", &spec.of, "it must be unpooling"));
    };
    Ok(problem(op, inputs, x, Work::Gradient(GradientWork::Unpool(work))))
}
