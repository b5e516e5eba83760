//! Kernels for gradients of pooling and unpooling.

use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{PoolGradient, PoolGradientApart, PoolGradientParams, Pooled, UnpoolGradient, WindowsOn};
use crate::plan::candidate::{Candidate, Solution, choose};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::each;
use crate::plan::pool::unpool::params;
use crate::plan::pool::{divisor, index_step};
use crate::plan::tuning::Classed;
use crate::plan::{Family, Planner, Slot, Step, Steps};
use crate::problem::{PoolGradientWork, UnpoolWork};
use crate::spec::PoolKind;

/// What computes the gradient of pooling.
pub(in crate::plan) static TABLE: [Candidate<PoolGradientWork>; 2] = [
    Candidate {
        name: "pool_gradient/apart",
        family: Family::General,
        about: "maxima of windows that have no element in common: an invocation writes the elements of a window",
        solve: |work, p| {
            if !work.is_max() || !work.lie_apart() {
                return Err("it computes maxima of windows that have no element in common");
            }
            let most = work.pool.axes.iter().map(most_of).product::<usize>();
            let many = most > MOST || !written(work).fit(p);
            let cost = if many {
                Err("windows are so large that an invocation would write too much")
            } else {
                Ok(())
            };
            Ok(Solution::new(cost, || apart(p, work)))
        },
    },
    Candidate {
        name: "pool_gradient/gather",
        family: Family::General,
        about: "any pooling: an invocation goes through the windows that have its element",
        solve: |work, p| Ok(Solution::free(|| pool(p, work))),
    },
];

pub(super) fn steps(p: &Planner, work: &PoolGradientWork) -> Result<Steps> {
    choose(&TABLE, work, p)
}

impl Classed for PoolGradientWork {
    fn class(&self) -> String {
        format!("gradient of {}", self.pool.class())
    }
}

/// Elements that an invocation writes at most.
const MOST: usize = 64;

/// The most elements along an axis from a window to the next, or to an end.
fn most_of(axis: &Axis) -> usize {
    let starts = |o: usize| (o * axis.stride).saturating_sub(axis.pad_before).min(axis.input);
    let last = axis.output - 1;
    let first = if last == 0 { axis.input } else { starts(1) };
    first.max(axis.input - starts(last)).max(axis.stride.min(axis.input))
}

/// The loops over them.
fn written(work: &PoolGradientWork) -> Iterations {
    work.pool.axes.iter().rev().fold(Iterations::default(), |loops, axis| loops.repeated(most_of(axis)))
}

/// A window an invocation.
fn apart(p: &Planner, work: &PoolGradientWork) -> Result<Step> {
    let pool = &work.pool;
    written(work).check(p)?;
    p.u32(pool.batch * pool.input.n)?;
    let windows = pool.batch * pool.output.n;
    let params = PoolGradientParams { total: p.u32(windows)?, ..params_of(p, work)? };
    // Planes of one element tell nothing: both tensors' lie so.
    let channels_last = pool.input.c == 1 && pool.output.c == 1 && pool.channels > 1;
    let kernel = PoolGradientApart { dtype: pool.dtype, channels_last };
    let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0)];
    let why = "windows have no element in common, so that each writes its own";
    Ok(Step { why, ..Step::new(kernel, &params, slots, p.invocations(windows as u64)?) })
}

/// The exponents that are products.
const PRODUCTS: [f32; 3] = [1.0, 2.0, 3.0];

fn kernel(work: &PoolGradientWork) -> PoolGradient {
    let pool = &work.pool;
    let of = match pool.kind {
        PoolKind::Max => Pooled::Max,
        PoolKind::Average { count_include_pad: padded, .. } => Pooled::Average { padded },
        PoolKind::Lp { p } | PoolKind::LpTorch { p } => {
            let torch = matches!(pool.kind, PoolKind::LpTorch { .. });
            Pooled::Lp { whole: if PRODUCTS.contains(&p) { p as u32 } else { 0 }, torch }
        }
    };
    let windows = match &work.fractional {
        Some(_) => WindowsOn::Fractional,
        None if pool.axes.iter().any(|a| a.adaptive) => WindowsOn::Adaptive,
        None => WindowsOn::Sliding,
    };
    let channels_last = pool.input.c == 1 && pool.channels > 1;
    PoolGradient { of, windows, dtype: pool.dtype, channels_last }
}

/// Windows that an invocation goes through.
fn iterations(work: &PoolGradientWork, windows: WindowsOn) -> Iterations {
    let axes = &work.pool.axes;
    let once = Iterations::default();
    match windows {
        WindowsOn::Sliding => once.at_windows(axes),
        WindowsOn::Adaptive => {
            let long = axes.iter().filter(|a| a.input.max(a.output) > usize::from(u16::MAX)).count() as u64;
            // The bits of products that go beyond 32 of them: of both ends, here and of each window.
            let on = |axis: &crate::geometry::Axis| axis.output.div_ceil(axis.input) + 1;
            let each = once.more(long * 2 * 33);
            axes.iter().rev().fold(each, |loops, axis| loops.repeated(on(axis))).more(long * 2 * 33)
        }
        WindowsOn::Fractional => {
            let axes = work.fractional.iter().flatten().rev();
            axes.fold(once, |loops, axis| loops.repeated(axis.most_on()))
        }
    }
}

fn pool(p: &Planner, work: &PoolGradientWork) -> Result<Step> {
    let kernel = kernel(work);
    iterations(work, kernel.windows).check(p)?;
    let params = params_of(p, work)?;
    let mut slots: Vec<Slot> = (0..work.inputs() as usize).map(Slot::Input).collect();
    slots.push(Slot::Output(0));
    let total = u64::from(params.total);
    Ok(Step::new(kernel, &params, slots, p.invocations(total)?))
}

/// The parameters for an invocation for each element.
fn params_of(p: &Planner, work: &PoolGradientWork) -> Result<PoolGradientParams> {
    let pool = &work.pool;
    let axes = &pool.axes;
    let [gcd, tap_step, inverse] = p.meeting(axes)?;
    let total = pool.batch * pool.input.n;
    let [d, h, w] = work.fractional.map_or([1.0; 3], |axes| axes.map(|a| a.alpha));
    let power = match pool.kind {
        PoolKind::Lp { p } | PoolKind::LpTorch { p } => p - 1.0,
        _ => 0.0,
    };
    Ok(PoolGradientParams {
        in_size: p.vec4(each(axes, |a| a.input), pool.channels)?,
        out_size: p.vec4(each(axes, |a| a.output), 0)?,
        window: p.vec4(each(axes, |a| a.kernel), 0)?,
        stride: p.vec4(each(axes, |a| a.stride), 0)?,
        dilation: p.vec4(each(axes, |a| a.dilation), 0)?,
        pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
        padded_end: p.ivec4(each(axes, |a| a.input + a.pad_after))?,
        gcd,
        tap_step,
        inverse,
        out_stride: p.vec4(pool.output.space, pool.output.c)?,
        index_step: index_step(p, pool)?,
        // Of a single window nothing is asked.
        alpha: [d, h, w, 1.0].map(|alpha| if alpha > 0.0 { alpha } else { 1.0 }),
        out_batch: p.u32(pool.output.n)?,
        total: p.u32(total)?,
        divisor: divisor(pool),
        power,
        nan: f32::NAN.to_bits(),
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    })
}

pub(super) fn unpool(p: &Planner, work: &UnpoolWork) -> Result<Step> {
    let (params, inputs, _) = params(p, work)?;
    let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Output(0)];
    Ok(Step::new(UnpoolGradient { dtype: work.dtype }, &params, slots, p.invocations(inputs as u64)?))
}
