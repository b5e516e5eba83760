//! A convolution within an operation that keeps its input in scratch memory.

use crate::error::Result;
use crate::plan::{Page, Planner, Slot, Steps};
use crate::problem::ConvWork;

/// Where the tensors of the convolution are in the operation; its own scratch memory is behind that of its input.
pub(super) struct Tensors {
    /// Bytes of its input, which is the first scratch memory.
    pub input: u64,
    /// The number of its kernel among the operation's inputs; the bias is the next.
    pub kernel: usize,
}

/// The steps of `work`, which write the first output.
pub(super) fn convolution(p: &Planner, work: &ConvWork, tensors: &Tensors) -> Result<Steps> {
    let mut all = super::steps(p, work, Slot::Output(0))?;
    let moved = |slot: Slot| match slot {
        Slot::Input(0) => Slot::Scratch(0),
        Slot::Input(i) => Slot::Input(tensors.kernel + i - 1),
        Slot::Scratch(i) => Slot::Scratch(i + 1),
        other => other,
    };
    for step in &mut all.steps {
        step.slots.iter_mut().for_each(|slot| *slot = moved(*slot));
        step.pages.iter_mut().for_each(|page| *page = Page { slot: moved(page.slot), ..*page });
    }
    all.scratch.insert(0, tensors.input);
    Ok(all)
}
