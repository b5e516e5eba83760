//! The kernel for activations.

use crate::error::Result;
use crate::kernel::{Activation, ActivationKind, ActivationParams};
use crate::plan::{Planner, Slot, Step};
use crate::problem::ActivationWork;

pub(in crate::plan) fn activation(p: &Planner, work: &ActivationWork) -> Result<Vec<Step>> {
    let (kind, alpha_beta) = ActivationKind::of(work.activation);
    let params = ActivationParams { total: p.u32(work.elements)?, pad_0: 0, alpha_beta };
    let slots = vec![Slot::Input(0), Slot::Output(0)];
    let grid = p.invocations(work.elements as u64)?;
    Ok(vec![Step::new(Activation { activation: kind }, &params, slots, grid)])
}
