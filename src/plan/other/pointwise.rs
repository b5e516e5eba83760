//! The kernel for activations.

use crate::error::Result;
use crate::kernel::{Activation, ActivationParams};
use crate::plan::planner::activation_of;
use crate::plan::{Planner, Slot, Step};
use crate::problem::ActivationWork;

pub(in crate::plan) fn activation(
    p: &Planner,
    work: &ActivationWork,
    tensors: [Slot; 2],
) -> Result<Vec<Step>> {
    let (kind, alpha_beta) = activation_of(work.activation, work.slope);
    let run = if work.slope > 0 { p.u32(work.run)? } else { 0 };
    let params = ActivationParams { total: p.u32(work.elements)?, run, alpha_beta };
    let grid = p.invocations(work.elements as u64)?;
    Ok(vec![Step::new(Activation { dtype: work.dtype, activation: kind }, &params, tensors.to_vec(), grid)])
}
