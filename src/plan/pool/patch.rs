//! Pooling in output tiles (patches).

use super::request::{Request, divisor};
use crate::error::Result;
use crate::kernel::{Patch, PatchParams, PoolPatch};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::patch::{self, Images};
use crate::plan::{Family, Planner, Step};
use crate::problem::PoolWork;
use crate::spec::PoolKind;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "pool/patch",
    family: Family::Gpu,
    about: "small windows, written out: an invocation computes a patch of maxima or means",
    solve: |request, p| {
        let work = &request.work;
        if !matches!(work.kind, PoolKind::Max | PoolKind::Average { .. }) || work.indices.is_some() {
            return Err("it computes maxima and means alone");
        }
        let dilated = work.axes.iter().any(|a| a.dilation > 1 && a.kernel > 1);
        if dilated && work.kind != PoolKind::Max {
            return Err("it computes no means of dilated windows");
        }
        let patch = images(work).patch(p)?;
        Ok(Solution::free(move || step(request, patch, p)))
    },
};

fn images(work: &PoolWork) -> Images<'_> {
    let PoolWork { dtype, ref axes, batch, channels, ref input, ref output, .. } = *work;
    Images { dtype, axes, batch, channels, multiplier: 1, input, output }
}

fn step(Request { work, from, to, .. }: &Request, patch: Patch, p: &Planner) -> Result<Step> {
    let params = PatchParams { divisor: divisor(work), ..images(work).params(p, &patch)? };
    let kernel = PoolPatch { reduce: work.kind.into(), patch };
    patch::step(p, kernel, patch, &params, vec![*from, *to])
}
