//! Transposed convolution: what competes for it.

use super::direct;
use crate::error::Result;
use crate::plan::candidate::{Candidate, Solution, choose};
use crate::plan::tuning::Classed;
use crate::plan::{Family, Outcome, Page, Planner, Slot, Steps, other};
use crate::problem::ConvWork;

/// A transposed convolution.
pub(in crate::plan) struct Transposed(pub ConvWork);

impl Classed for Transposed {
    fn class(&self) -> String {
        format!("transposed {}", self.0.class())
    }
}

/// What computes it.
pub(in crate::plan) static TABLE: [Candidate<Transposed>; 2] = [
    Candidate {
        name: "conv_transpose/turned",
        family: Family::General,
        about: "windows that neighbour each other: a convolution with the kernel turned round",
        solve: |Transposed(work), p| {
            let conv =
                work.turned().ok_or("its windows have a stride, or more is cut off than they reach")?;
            let steps = super::steps(p, &conv, Slot::Output(0));
            let name = steps.as_ref().ok().and_then(taken);
            let cost = match name {
                Some("conv/direct") | None => Err("the convolution would be as slow"),
                _ => Ok(()),
            };
            Ok(Solution::new(cost, move || turned(p, work, steps?)))
        },
    },
    Candidate {
        name: "conv_transpose/direct",
        family: Family::General,
        about: "any transposed convolution: an invocation computes one position of four output channels",
        solve: |Transposed(work), p| Ok(Solution::free(|| direct::transposed(p, work))),
    },
];

pub(in crate::plan) fn steps(p: &Planner, work: &ConvWork) -> Result<Steps> {
    choose(&TABLE, &Transposed(*work), p)
}

/// What computes the convolution.
fn taken(steps: &Steps) -> Option<&'static str> {
    let is_taken = |outcome| matches!(outcome, Outcome::Taken | Outcome::Measured);
    steps.considered.iter().find(|considered| is_taken(considered.outcome)).map(|considered| considered.name)
}

/// The convolution's steps on a kernel that is turned round before.
fn turned(p: &Planner, work: &ConvWork, conv: Steps) -> Result<Steps> {
    let kernel = Slot::Packed(0);
    let moved = |slot: Slot| match slot {
        Slot::Input(1) => kernel,
        Slot::Packed(i) => Slot::Packed(i + 1),
        other => other,
    };
    let copy = work.turned_copy();
    let mut all = conv;
    all.packed.insert(0, (copy.elements() * work.dtype.size()).next_multiple_of(4) as u64);
    for step in &mut all.steps {
        step.slots.iter_mut().for_each(|slot| *slot = moved(*slot));
        step.pages.iter_mut().for_each(|page| *page = Page { slot: moved(page.slot), ..*page });
    }
    let mut copies = other::strided::steps(p, &copy)?;
    for step in &mut copies {
        step.slots = vec![Slot::Input(1), kernel];
        (step.prepack, step.why) = (true, "the kernel turned round, whose convolution is the adjoint");
    }
    all.steps.splice(0..0, copies);
    Ok(all)
}
