//! Pooling: what competes for it.

mod chunks;
mod global;
mod patch;
mod request;
pub(crate) mod roi;
mod sliding;
mod two_passes;
mod uniform;
pub(super) mod unpool;

#[cfg(feature = "gradients")]
pub(super) use request::index_step;
pub(super) use request::{divisor, simplified};

use super::candidate::{Candidate, Solution, choose};
use super::{Family, Planner, Slot, Steps};
use crate::error::Result;
use crate::problem::PoolWork;
use request::Request;

/// What computes pooling.
pub(super) static TABLE: [Candidate<Request>; 5] =
    [TWO_PASSES, uniform::CANDIDATE, global::CANDIDATE, patch::CANDIDATE, sliding::CANDIDATE];

const TWO_PASSES: Candidate<Request> = Candidate {
    name: "pool/two_passes",
    family: Family::General,
    about: "large windows of maxima: along the last axis, then along the others, with a tensor between them",
    solve: |request, p| {
        two_passes::applies(request, p)?;
        Ok(Solution::new(two_passes::cost(request, p), || in_two_passes(request, p)))
    },
};

fn in_two_passes(Request { work, from, to, .. }: &Request, p: &Planner) -> Result<Steps> {
    let ([along, across], between) = two_passes::passes(work);
    let mut p = p.clone();
    p.caps.kernels = p.caps.kernels.without(TWO_PASSES.name);
    let scratch = Slot::Scratch(0);
    let mut all = steps(&p, &along, *from, scratch)?;
    all.append(steps(&p, &across, scratch, *to)?);
    let why = "two passes load fewer elements of a large window than one";
    all.steps.iter_mut().for_each(|step| step.why = why);
    all.scratch.insert(0, between);
    Ok(all)
}

/// Pooling by itself.
pub(super) fn operation(p: &Planner, work: &PoolWork) -> Result<Steps> {
    choose(&TABLE, &Request::new(work, [Slot::Input(0), Slot::Output(0)], true), p)
}

/// Pooling as a part of an operation.
pub(super) fn steps(p: &Planner, work: &PoolWork, from: Slot, to: Slot) -> Result<Steps> {
    choose(&TABLE, &Request::new(work, [from, to], false), p)
}
