//! Kernels for cross-entropy and its gradient.

use super::rows::LONG_ROW;
use crate::error::Result;
use crate::kernel::{CrossEntropy, CrossEntropyParams, WORKGROUP};
use crate::plan::loop_limit::Iterations;
use crate::plan::{Planner, Slot, Step, Steps, other};
use crate::problem::{CrossEntropyWork, ReduceWork, StridedAxis};
use crate::spec::ReduceKind;

/// The largest, the sum and a third loop; another behind it stores the gradient.
fn of_row(length: usize, share: u32, backward: bool) -> Iterations {
    let once = Iterations::shared(length, share);
    let folded = once.then(Iterations::folded(share));
    let all = folded.then(folded).then(folded);
    if backward { all.then(once) } else { all }
}

fn step(p: &Planner, work: &CrossEntropyWork, backward: bool, slots: Vec<Slot>) -> Result<Step> {
    let rows = work.rows;
    let long = rows.length >= LONG_ROW || !of_row(rows.length, 1, backward).fit(p);
    let share = if long { WORKGROUP } else { 1 };
    of_row(rows.length, share, backward).check(p)?;
    let count = rows.outer * rows.inner;
    let params = CrossEntropyParams {
        rows: p.u32(count)?,
        length: p.u32(rows.length)?,
        inner: p.u32(rows.inner)?,
        lowest: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        share: work.share() as f32,
        pad_0: 0,
        pad_1: 0,
    };
    p.u32(count * rows.length)?;
    let kernel = CrossEntropy { backward, probabilities: work.probabilities, share };
    let grid = p.workgroups((count as u64).div_ceil(u64::from(WORKGROUP / share)))?;
    Ok(Step::new(kernel, &params, slots, grid))
}

/// The loss of each row, then their sum or mean.
pub(super) fn forward(p: &Planner, work: &CrossEntropyWork) -> Result<Steps> {
    let rows = work.rows.outer * work.rows.inner;
    let of_rows = step(p, work, false, vec![Slot::Input(0), Slot::Input(1), Slot::Scratch(0)])?;
    let all = ReduceWork {
        dtype: work.rows.dtype,
        kind: if work.sum { ReduceKind::Sum } else { ReduceKind::Mean },
        kept: vec![StridedAxis::of(1, rows as isize)],
        reduced: vec![StridedAxis::of(rows, 1)],
    };
    let mut summed = other::reduce::reduce(p, &all)?;
    summed.slots = vec![Slot::Scratch(0), Slot::Output(0)];
    summed.why = "the sum of the rows' losses";
    Ok(Steps { scratch: vec![4 * rows as u64], ..vec![of_rows, summed].into() })
}

pub(super) fn backward(p: &Planner, work: &CrossEntropyWork) -> Result<Step> {
    let slots = vec![Slot::Input(1), Slot::Input(2), Slot::Input(0), Slot::Output(0)];
    step(p, work, true, slots)
}
