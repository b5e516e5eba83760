//! Pooling in patches.

use super::{Request, divisor};
use crate::error::Result;
use crate::kernel::{PatchParams, PoolPatch};
use crate::plan::candidate::{Candidate, Family};
use crate::plan::patch::{self, Images};
use crate::plan::{Planner, Step};
use crate::problem::PoolWork;
use crate::spec::PoolKind;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "pool/patch",
    family: Family::Gpu,
    about: "small windows, written out: an invocation computes a patch of maxima or means",
    applies: |Request { work, .. }, p| {
        if !matches!(work.kind, PoolKind::Max | PoolKind::Average { .. }) || work.indices.is_some() {
            return Err("it computes maxima and means alone");
        }
        images(work).patch(p).map(|_| ())
    },
    cost: |Request { work, .. }, p| images(work).cost(p),
    steps: |request, p| Ok(vec![step(request, p)?].into()),
};

fn images(work: &PoolWork) -> Images<'_> {
    let PoolWork { dtype, ref axes, batch, channels, ref input, ref output, .. } = *work;
    Images { dtype, axes, batch, channels, multiplier: 1, input, output }
}

fn step(Request { work, from, to, .. }: &Request, p: &Planner) -> Result<Step> {
    let images = images(work);
    let patch = images.patch(p).map_err(|why| p.refused(CANDIDATE.name, why))?;
    let params = PatchParams { divisor: divisor(work), ..images.params(p, &patch)? };
    let kernel = PoolPatch { reduce: work.kind.into(), patch };
    patch::step(p, kernel, patch, &params, vec![*from, *to])
}
