//! Kernels for causal convolution: the sequences of state and input with the state that is handed on, and their convolution.

use super::nested::{self, Tensors};
use crate::error::Result;
use crate::kernel::{CausalParams, CausalSequence};
use crate::plan::{Planner, Slot, Step, Steps};
use crate::problem::CausalWork;

pub(in crate::plan) fn steps(p: &Planner, work: &CausalWork) -> Result<Steps> {
    let kernel = if work.state { 2 } else { 1 };
    let tensors = Tensors { input: work.sequence.buffer_size(), kernel };
    let mut all = nested::convolution(p, &work.conv, &tensors)?;
    // What reads weights alone comes before.
    let first = all.steps.iter().take_while(|step| step.prepack).count();
    all.steps.insert(first, sequence(p, work)?);
    Ok(all)
}

fn sequence(p: &Planner, work: &CausalWork) -> Result<Step> {
    let total = work.sequence.elements();
    let params = CausalParams {
        kept: p.u32(work.kept)?,
        length: p.u32(work.length)?,
        has_state: u32::from(work.state),
        total: p.u32(total)?,
    };
    // Without a state, what is bound in its place is not read.
    let state = Slot::Input(if work.state { 1 } else { 0 });
    let slots = vec![Slot::Input(0), state, Slot::Scratch(0), Slot::Output(1)];
    let kernel = CausalSequence { dtype: work.conv.dtype };
    let grid = p.invocations(total as u64)?;
    let why = "state and input in one sequence, whose convolution needs no padding";
    Ok(Step { why, ..Step::new(kernel, &params, slots, grid) })
}
