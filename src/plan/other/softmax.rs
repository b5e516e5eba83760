//! Softmax: an invocation, or a workgroup, goes through a row.

use crate::error::Result;
use crate::kernel::{KernelKey, Softmax, SoftmaxParams, SoftmaxRows, WORKGROUP};
use crate::plan::candidate::{Candidate, Solution, choose};
use crate::plan::loop_limit::{ENDED, Iterations};
use crate::plan::{Family, Planner, Slot, Step, Steps};
use crate::problem::SoftmaxWork;

/// Rows of at least this many elements are gone through in parallel, if they are too few to fill a device.
const LONG_ROW: usize = 256;
const FEW_ROWS: usize = 4096;

/// What computes softmax.
pub(in crate::plan) static SOFTMAX: [Candidate<SoftmaxWork>; 2] = [
    Candidate {
        name: "softmax/rows",
        family: Family::General,
        about: "long rows: a workgroup goes through one",
        solve: |work, p| {
            let long = work.length >= LONG_ROW && work.outer * work.inner <= FEW_ROWS;
            let cost =
                if long || !an_invocation(work).fit(p) { Ok(()) } else { Err("rows are short or many") };
            Ok(Solution::new(cost, || by_workgroups(p, work)))
        },
    },
    Candidate {
        name: "softmax/direct",
        family: Family::General,
        about: "any rows: an invocation goes through one",
        solve: |work, p| match an_invocation(work).fit(p) {
            true => Ok(Solution::free(|| {
                step(p, work, Softmax { dtype: work.dtype }, p.invocations((work.outer * work.inner) as u64)?)
            })),
            false => Err(ENDED),
        },
    },
];

/// The largest, the sum, and the quotients.
fn of_row(of_loop: Iterations) -> Iterations {
    of_loop.then(of_loop).then(of_loop)
}

fn an_invocation(work: &SoftmaxWork) -> Iterations {
    of_row(Iterations::default().repeated(work.length))
}

fn by_workgroups(p: &Planner, work: &SoftmaxWork) -> Result<Step> {
    of_row(Iterations::shared(work.length, WORKGROUP).then(Iterations::folded(WORKGROUP))).check(p)?;
    let step =
        step(p, work, SoftmaxRows { dtype: work.dtype }, p.workgroups((work.outer * work.inner) as u64)?)?;
    Ok(Step { why: "long rows, which workgroups go through in parallel", ..step })
}

fn step(p: &Planner, work: &SoftmaxWork, kernel: impl Into<KernelKey>, grid: [u32; 3]) -> Result<Step> {
    let params = SoftmaxParams {
        rows: p.u32(work.outer * work.inner)?,
        length: p.u32(work.length)?,
        inner: p.u32(work.inner)?,
        lowest: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        ..bytemuck::Zeroable::zeroed()
    };
    Ok(Step::new(kernel, &params, vec![Slot::Input(0), Slot::Output(0)], grid))
}

/// The steps of softmax.
pub(in crate::plan) fn softmax(p: &Planner, work: &SoftmaxWork) -> Result<Steps> {
    choose(&SOFTMAX, work, p)
}
