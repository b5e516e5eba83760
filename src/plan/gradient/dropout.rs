//! The kernel for masks of dropout.

use crate::error::Result;
use crate::kernel::{DropoutMask, DropoutParams};
use crate::plan::loop_limit::Iterations;
use crate::plan::{Planner, Slot, Step};
use crate::problem::DropoutWork;

/// Rounds of Philox 4x32-10.
const ROUNDS: usize = 10;

pub(super) fn mask(p: &Planner, work: &DropoutWork) -> Result<Step> {
    Iterations::default().repeated(ROUNDS).then(Iterations::default().repeated(4)).check(p)?;
    let blocks = work.elements.div_ceil(4);
    let params = DropoutParams {
        dropped: work.dropped,
        kept: work.kept,
        elements: p.u32(work.elements)?,
        total: p.u32(blocks)?,
    };
    let slots = vec![Slot::Input(0), Slot::Output(0)];
    Ok(Step::new(DropoutMask, &params, slots, p.invocations(blocks as u64)?))
}
