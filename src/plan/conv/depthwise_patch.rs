//! Depthwise convolution in patches.

use super::{Request, weight_slots};
use crate::error::Result;
use crate::kernel::{ActivationKind, DepthwisePatch, PatchParams};
use crate::plan::candidate::{Candidate, Family};
use crate::plan::patch::{self, Images};
use crate::plan::{Planner, Slot, Step};
use crate::problem::ConvWork;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "depthwise/patch",
    family: Family::Gpu,
    about: "small windows of channels by themselves, written out: an invocation computes a patch of outputs",
    applies: |Request { work, .. }, p| {
        if work.group_in != 1 || work.groups < 2 {
            return Err("channels are not convolved by themselves");
        }
        images(work).patch(p).map(|_| ())
    },
    cost: |Request { work, .. }, p| images(work).cost(p),
    steps: |Request { work, to, .. }, p| Ok(vec![step(work, *to, p)?].into()),
};

fn images(work: &ConvWork) -> Images<'_> {
    Images {
        dtype: work.dtype,
        axes: &work.axes,
        batch: work.batch,
        channels: work.out_channels(),
        multiplier: work.group_out,
        input: &work.input,
        output: &work.output,
    }
}

fn step(work: &ConvWork, to: Slot, p: &Planner) -> Result<Step> {
    let images = images(work);
    let patch = images.patch(p).map_err(|why| p.refused(CANDIDATE.name, why))?;
    let (activation, alpha) = ActivationKind::of(work.activation);
    let [_, height, width] = work.kernel.space;
    let params = PatchParams {
        tap_stride: [p.u32(height)?, p.u32(width)?],
        tap_out: p.u32(work.kernel.o)?,
        has_bias: u32::from(work.bias),
        alpha,
        ..images.params(p, &patch)?
    };
    let [weights, bias] = weight_slots(work);
    let kernel = DepthwisePatch { activation, patch };
    patch::step(p, kernel, patch, &params, vec![Slot::Input(0), weights, bias, to])
}
