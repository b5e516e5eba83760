//! Depthwise convolution in output tiles (patches).

use super::epilogue::behind;
use super::request::Request;
use super::slots::weight_slots;
use crate::error::Result;
use crate::kernel::{DepthwisePatch, Patch, PatchParams};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::patch::{self, Images};
use crate::plan::planner::activation_of;
use crate::plan::{Family, Planner, Slot, Step};
use crate::problem::ConvWork;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "depthwise/patch",
    family: Family::Gpu,
    about: "small windows of channels by themselves, written out: an invocation computes a patch of outputs",
    solve: |request, p| {
        behind(request, p, |Request { work, to, .. }, p| {
            if work.group_in != 1 || work.groups < 2 {
                return Err("channels are not convolved by themselves");
            }
            let patch = images(work).patch(p)?;
            Ok(Solution::free(move || step(work, *to, patch, p)))
        })
    },
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

fn step(work: &ConvWork, to: Slot, patch: Patch, p: &Planner) -> Result<Step> {
    let (activation, alpha_beta) = activation_of(work.activation, work.slope);
    let [_, height, width] = work.kernel.space;
    let params = PatchParams {
        tap_stride: [p.u32(height)?, p.u32(width)?],
        tap_out: p.u32(work.kernel.o)?,
        has_bias: u32::from(work.bias),
        alpha_beta,
        ..images(work).params(p, &patch)?
    };
    let [weights, bias] = weight_slots(work);
    let kernel = DepthwisePatch { activation, patch };
    patch::step(p, kernel, patch, &params, vec![Slot::Input(0), weights, bias, to])
}
