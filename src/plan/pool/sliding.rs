//! The general kernel of pooling.

use super::request::{Request, divisor, exponent, index_step, is_norm};
use crate::dtype::Row;
use crate::error::Result;
use crate::kernel::{Pool, PoolParams};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::each;
use crate::plan::{Family, Planner, Slot, Step};

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "pool/sliding",
    family: Family::General,
    about: "any pooling: an invocation computes one window",
    solve: |request, p| Ok(Solution::free(|| step(request, p))),
};

fn step(Request { work, from, to, .. }: &Request, p: &Planner) -> Result<Step> {
    let axes = &work.axes;
    let once = Iterations::default().at_taps(axes);
    // The bits of a product that goes beyond 32 of them, of both ends of a window.
    let long = axes.iter().filter(|a| a.adaptive && a.output > usize::from(u16::MAX)).count() as u64;
    let once = once.more(long * 2 * 33);
    let iterations = if is_norm(work) { once.then(once) } else { once };
    let outputs = each(axes, |a| a.output);
    let total = work.batch * work.channels * outputs.iter().product::<usize>();
    let &Row { lanes, lowest, .. } = work.dtype.row();
    iterations.repeated((lanes as usize).min(total)).check(p)?;
    let params = PoolParams {
        in_size: p.vec4(each(axes, |a| a.input), work.channels)?,
        out_size: p.vec4(outputs, work.batch)?,
        window: p.vec4(each(axes, |a| a.kernel), 0)?,
        stride: p.vec4(each(axes, |a| a.stride), 0)?,
        dilation: p.vec4(each(axes, |a| a.dilation), 0)?,
        pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
        padded_end: p.ivec4(each(axes, |a| a.input + a.pad_after))?,
        in_stride: p.vec4(work.input.space, work.input.c)?,
        index_step: index_step(p, work)?,
        in_batch: p.u32(work.input.n)?,
        total: p.u32(total)?,
        divisor: divisor(work),
        identity: lowest as f32,
        p: exponent(work),
        nan: f32::NAN.to_bits(),
        root: 1.0 / exponent(work),
        pad_0: 0,
    };
    let mut slots = vec![*from, *to];
    if work.indices.is_some() {
        slots.push(Slot::Output(1));
    }
    let (indices, adaptive) = (work.indices.is_some(), axes.iter().any(|a| a.adaptive));
    let channels_last = work.output.c == 1 && work.channels > 1;
    let kernel = Pool { reduce: work.kind.into(), dtype: work.dtype, indices, channels_last, adaptive };
    let grid = p.invocations((total as u64).div_ceil(lanes.into()))?;
    Ok(Step::new(kernel, &params, slots, grid))
}
