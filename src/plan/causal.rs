//! Kernels for causal convolution: the sequences of state and input with the state that is handed on, and their convolution.

use super::inner::{self, Tensors};
use super::narrow::u32_of;
use super::{Caps, Slot, Step, Steps, grid};
use crate::error::Result;
use crate::kernel::KernelKey;
use crate::kernel::params::CausalParams;
use crate::problem::CausalWork;

pub(super) fn steps(op: &'static str, work: &CausalWork, caps: &Caps) -> Result<Steps> {
    let kernel = if work.state { 2 } else { 1 };
    let tensors = Tensors { input: work.sequence.buffer_size(), kernel };
    let mut all = inner::convolution(op, &work.conv, &tensors, caps)?;
    // What reads weights alone comes before.
    let first = all.steps.iter().take_while(|step| step.once).count();
    all.steps.insert(first, sequence(op, work, caps)?);
    Ok(all)
}

fn sequence(op: &'static str, work: &CausalWork, caps: &Caps) -> Result<Step> {
    let total = work.sequence.elements();
    let params = CausalParams {
        kept: u32_of(op, work.kept)?,
        length: u32_of(op, work.length)?,
        has_state: u32::from(work.state),
        total: u32_of(op, total)?,
    };
    // Without a state, what is bound in its place is not read.
    let state = Slot::Input(if work.state { 1 } else { 0 });
    let slots = vec![Slot::Input(0), state, Slot::Scratch(0), Slot::Output(1)];
    let kernel = KernelKey::CausalSequence { dtype: work.conv.dtype };
    let grid = grid::invocations(op, total as u64, caps)?;
    let why = "state and input in one sequence, whose convolution needs no padding";
    Ok(Step { why, ..Step::new(kernel, &params, slots, grid) })
}
