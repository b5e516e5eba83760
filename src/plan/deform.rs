//! Kernels for deformable convolution: its samples, and their convolution.

use super::inner::{self, Tensors};
use super::narrow::{each, ivec4, u32_of, vec4};
use super::turns::Turns;
use super::{Caps, Slot, Step, Steps, grid};
use crate::error::Result;
use crate::geometry::MAX_SPATIAL;
use crate::kernel::KernelKey;
use crate::kernel::params::DeformParams;
use crate::problem::DeformWork;

pub(super) fn steps(op: &'static str, work: &DeformWork, caps: &Caps) -> Result<Steps> {
    // A loop over axes, then one over corners.
    let turns = Turns::default().repeated(MAX_SPATIAL).then(Turns::default().repeated(1 << work.rank));
    turns.check(op, caps)?;
    let kernel = if work.mask { 3 } else { 2 };
    let tensors = Tensors { input: work.samples.buffer_size(), kernel };
    let mut all = inner::convolution(op, &work.sampled, &tensors, caps)?;
    // What reads weights alone comes before.
    let first = all.steps.iter().take_while(|step| step.once).count();
    all.steps.insert(first, samples(op, work, caps)?);
    Ok(all)
}

fn samples(op: &'static str, work: &DeformWork, caps: &Caps) -> Result<Step> {
    let conv = &work.conv;
    let axes = &conv.axes;
    let total = work.samples.elements();
    let params = DeformParams {
        in_size: vec4(op, each(axes, |a| a.input), conv.in_channels())?,
        out_size: vec4(op, each(axes, |a| a.output), 0)?,
        window: vec4(op, each(axes, |a| a.kernel), work.rank)?,
        stride: vec4(op, each(axes, |a| a.stride), 0)?,
        dilation: vec4(op, each(axes, |a| a.dilation), 0)?,
        pad_before: ivec4(op, each(axes, |a| a.pad_before))?,
        offset_groups: u32_of(op, work.offset_groups)?,
        group_channels: u32_of(op, conv.in_channels() / work.offset_groups)?,
        has_mask: u32::from(work.mask),
        total: u32_of(op, total)?,
    };
    // Without a mask, what is bound in its place is not read.
    let mask = Slot::Input(if work.mask { 2 } else { 1 });
    let slots = vec![Slot::Input(0), Slot::Input(1), mask, Slot::Scratch(0)];
    let grid = grid::invocations(op, total as u64, caps)?;
    let step = Step::new(KernelKey::DeformSamples, &params, slots, grid);
    Ok(Step { why: "taps are moved one by one, and then convolved as channels", ..step })
}
