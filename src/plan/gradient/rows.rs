//! Kernels for gradients of activations and softmax.

use crate::error::Result;
use crate::kernel::{ActivationGradient, ActivationParams, SoftmaxGradient, SoftmaxParams, WORKGROUP};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::activation_of;
use crate::plan::{Planner, Slot, Step};
use crate::problem::{ActivationWork, SoftmaxWork};

/// Rows of at least this many elements are shared by a workgroup.
pub(super) const LONG_ROW: usize = 128;

fn slots() -> Vec<Slot> {
    vec![Slot::Input(0), Slot::Input(1), Slot::Output(0)]
}

pub(super) fn activation(p: &Planner, work: &ActivationWork) -> Result<Step> {
    let (of, alpha_beta) = activation_of(work.activation, 0);
    let params = ActivationParams { total: p.u32(work.elements)?, run: 0, alpha_beta };
    let kernel = ActivationGradient { dtype: work.dtype, of };
    Ok(Step::new(kernel, &params, slots(), p.invocations(work.elements as u64)?))
}

pub(super) fn softmax(p: &Planner, work: &SoftmaxWork) -> Result<Step> {
    let of = |share: u32| {
        let once = Iterations::shared(work.length, share);
        once.then(Iterations::folded(share)).then(once)
    };
    let long = work.length >= LONG_ROW || !of(1).fit(p);
    let share = if long { WORKGROUP } else { 1 };
    of(share).check(p)?;
    let rows = work.outer * work.inner;
    let params = SoftmaxParams {
        rows: p.u32(rows)?,
        length: p.u32(work.length)?,
        inner: p.u32(work.inner)?,
        ..bytemuck::Zeroable::zeroed()
    };
    let grid = p.workgroups((rows as u64).div_ceil(u64::from(WORKGROUP / share)))?;
    Ok(Step::new(SoftmaxGradient { dtype: work.dtype, share }, &params, slots(), grid))
}
