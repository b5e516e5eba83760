//! Kernels for deformable convolution: its samples, and their convolution.

use super::nested::{self, Tensors};
use crate::error::Result;
use crate::geometry::MAX_SPATIAL;
use crate::kernel::{DeformParams, DeformSamples};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::each;
use crate::plan::{Planner, Slot, Step, Steps};
use crate::problem::DeformWork;

pub(in crate::plan) fn steps(p: &Planner, work: &DeformWork) -> Result<Steps> {
    // A loop over axes, then one over corners.
    let iterations =
        Iterations::default().repeated(MAX_SPATIAL).then(Iterations::default().repeated(1 << work.rank));
    iterations.check(p)?;
    let kernel = if work.mask { 3 } else { 2 };
    let tensors = Tensors { input: work.samples.buffer_size(), kernel };
    let mut all = nested::convolution(p, &work.sampled, &tensors)?;
    // What reads weights alone comes before.
    let first = all.steps.iter().take_while(|step| step.prepack).count();
    all.steps.insert(first, samples(p, work)?);
    Ok(all)
}

fn samples(p: &Planner, work: &DeformWork) -> Result<Step> {
    let conv = &work.conv;
    let axes = &conv.axes;
    let total = work.samples.elements();
    let params = DeformParams {
        in_size: p.vec4(each(axes, |a| a.input), conv.in_channels())?,
        out_size: p.vec4(each(axes, |a| a.output), 0)?,
        window: p.vec4(each(axes, |a| a.kernel), work.rank)?,
        stride: p.vec4(each(axes, |a| a.stride), 0)?,
        dilation: p.vec4(each(axes, |a| a.dilation), 0)?,
        pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
        offset_groups: p.u32(work.offset_groups)?,
        group_channels: p.u32(conv.in_channels() / work.offset_groups)?,
        has_mask: u32::from(work.mask),
        total: p.u32(total)?,
    };
    // Without a mask, what is bound in its place is not read.
    let mask = Slot::Input(if work.mask { 2 } else { 1 });
    let slots = vec![Slot::Input(0), Slot::Input(1), mask, Slot::Scratch(0)];
    let grid = p.invocations(total as u64)?;
    let step = Step::new(DeformSamples, &params, slots, grid);
    Ok(Step { why: "taps are moved one by one, and then convolved as channels", ..step })
}
