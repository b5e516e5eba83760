//! Softmax: an invocation, or a workgroup, goes through a row.

use crate::error::Result;
use crate::kernel::{KernelKey, Softmax, SoftmaxParams, SoftmaxRows, WORKGROUP};
use crate::plan::candidate::{Candidate, Family, choose, free};
use crate::plan::loop_limit::{ENDED, Iterations};
use crate::plan::{Planner, Slot, Step, Steps};
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
        applies: free,
        cost: |work, p| {
            let long = work.length >= LONG_ROW && work.outer * work.inner <= FEW_ROWS;
            if long || !an_invocation(work).fit(p) { Ok(()) } else { Err("rows are short or many") }
        },
        steps: |work, p| {
            of_row(Iterations::shared(work.length, WORKGROUP).then(Iterations::folded(WORKGROUP)))
                .check(p)?;
            let grid = p.workgroups((work.outer * work.inner) as u64)?;
            let step = step(p, work, SoftmaxRows, grid)?;
            Ok(vec![Step { why: "long rows, which workgroups go through in parallel", ..step }].into())
        },
    },
    Candidate {
        name: "softmax/direct",
        family: Family::General,
        about: "any rows: an invocation goes through one",
        applies: |work, p| if an_invocation(work).fit(p) { Ok(()) } else { Err(ENDED) },
        cost: free,
        steps: |work, p| {
            let grid = p.invocations((work.outer * work.inner) as u64)?;
            Ok(vec![step(p, work, Softmax, grid)?].into())
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

fn step(p: &Planner, work: &SoftmaxWork, kernel: impl Into<KernelKey>, grid: [u32; 3]) -> Result<Step> {
    let params = SoftmaxParams {
        rows: p.u32(work.outer * work.inner)?,
        length: p.u32(work.length)?,
        inner: p.u32(work.inner)?,
        lowest: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    };
    Ok(Step::new(kernel, &params, vec![Slot::Input(0), Slot::Output(0)], grid))
}

/// The steps of softmax.
pub(in crate::plan) fn softmax(p: &Planner, work: &SoftmaxWork) -> Result<Steps> {
    choose(&SOFTMAX, work, p)
}
