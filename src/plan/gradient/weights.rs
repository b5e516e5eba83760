//! Kernels for the gradient of a kernel: what competes for it.

use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{ActivationKind, ConvParts, PartsParams, WORKGROUP, WeightsGradient, WeightsParams};
use crate::plan::candidate::{Candidate, Solution, choose};
use crate::plan::gemm::{self, Choice, Gemm, Operands};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::each;
use crate::plan::tuning::Classed;
use crate::plan::{Family, Planner, Slot, Step, Steps};
use crate::problem::{ConvWork, KernelStrides, WeightsWork};
use crate::spec::Layout;

/// Output channels of an invocation.
const BLOCK: usize = 4;

/// Parts that a sum is divided into at most: they are added one after the other.
const MOST_PARTS: usize = 64;

/// What computes the gradient of a kernel.
pub(in crate::plan) static TABLE: [Candidate<WeightsWork>; 2] = [
    Candidate {
        name: "weights_gradient/gemm",
        family: Family::Gpu,
        about: "channels that fill tiles: a product of matrices over all positions, in parts of long sums",
        solve: |work, p| {
            let gemm = product(&work.conv)?;
            let choice = gemm::choose(&gemm, p)?;
            let cost = p.on_gpu().and_then(|()| choice.cost());
            Ok(Solution::new(cost, move || multiplied(p, work, &gemm, &choice)))
        },
    },
    Candidate {
        name: "weights_gradient/direct",
        family: Family::General,
        about: "any convolution: an invocation goes through the positions of four weights, or of a part of their sums",
        solve: |work, p| Ok(Solution::free(move || direct(p, work))),
    },
];

pub(super) fn steps(p: &Planner, work: &WeightsWork) -> Result<Steps> {
    choose(&TABLE, work, p)
}

impl Classed for WeightsWork {
    fn class(&self) -> String {
        format!("gradient of {}", self.conv.class())
    }
}

/// The convolution that computes it: its images are the input channels, its channels the images, its kernel the gradient and its
/// positions the taps, so that strides and dilations change their places.
fn product(conv: &ConvWork) -> Result<Gemm, &'static str> {
    if conv.groups > 1 {
        return Err("there are several groups");
    }
    if conv.batch == 0 {
        return Err("there is nothing to add up");
    }
    if !conv.little_outside() {
        return Err("most of what its windows cover lies outside the input");
    }
    let exchanged = |axis: &Axis| Axis {
        kernel: axis.output,
        stride: axis.dilation,
        dilation: axis.stride,
        output: axis.kernel,
        ..*axis
    };
    let taps = ConvWork {
        batch: conv.group_in,
        group_in: conv.batch,
        axes: conv.axes.each_ref().map(exchanged),
        input: crate::geometry::Strides { n: conv.input.c, c: conv.input.n, ..conv.input },
        output: crate::geometry::Strides { n: conv.kernel.i, c: conv.kernel.o, space: conv.kernel.space },
        kernel: KernelStrides { o: conv.output.c, i: conv.output.n, space: conv.output.space },
        layout: Layout::Nchw,
        bias: false,
        ..*conv
    };
    Ok(Gemm::of_windows(&taps, None))
}

/// The gradient is packed in the order of the tiles, then multiplied by what windows read.
fn multiplied(p: &Planner, work: &WeightsWork, gemm: &Gemm, choice: &Choice) -> Result<Steps> {
    let packed = Slot::Scratch(usize::from(choice.parts > 1));
    let at = Operands {
        weights: packed,
        data: Slot::Input(work.image),
        bias: Slot::Input(work.image),
        result: Slot::Output(0),
    };
    let mut steps = gemm::steps(p, gemm, choice, &at)?;
    let mut pack = gemm::pack(p, gemm, choice)?;
    pack.slots = vec![Slot::Input(work.windows), packed];
    (pack.prepack, pack.why) = (false, "the gradient in the order of the tiles");
    steps.steps.insert(0, pack);
    steps.scratch.push(gemm::packed_size(gemm, &choice.tiled));
    Ok(steps)
}

/// Rows of windows of all images.
fn rows(conv: &ConvWork) -> usize {
    let [d, h, _] = each(&conv.axes, |a| a.output);
    conv.batch * d * h
}

/// Invocations of a part.
fn invocations(conv: &ConvWork) -> usize {
    conv.groups * conv.group_out.div_ceil(BLOCK) * conv.group_in * conv.taps()
}

fn weights(conv: &ConvWork) -> usize {
    conv.out_channels() * conv.group_in * conv.taps()
}

/// The loops over the rows of a part.
fn iterations(conv: &ConvWork, parts: usize) -> Iterations {
    let width = conv.axes[2].output.min(conv.axes[2].input);
    Iterations::default().repeated(width).repeated(rows(conv).div_ceil(parts))
}

/// How many parts keep the device busy, and its loops short enough.
fn parts(conv: &ConvWork, p: &Planner) -> Result<usize> {
    let busy = p.caps.target_workgroups as usize * WORKGROUP as usize;
    let held = p.caps.max_binding as usize / (4 * weights(conv)).max(1);
    let most = rows(conv).min(MOST_PARTS).min(held).max(1);
    let wanted = busy.div_ceil(invocations(conv).max(1)).clamp(1, most);
    let parts = (wanted..=most).find(|&parts| iterations(conv, parts).fit(p)).unwrap_or(most);
    iterations(conv, parts).check(p)?;
    Ok(parts)
}

fn direct(p: &Planner, work: &WeightsWork) -> Result<Steps> {
    let (conv, rows, elements) = (&work.conv, rows(&work.conv), weights(&work.conv));
    let parts = parts(conv, p)?;
    let part_rows = rows.div_ceil(parts).max(1);
    let parts = rows.div_ceil(part_rows).max(1);
    let total = parts * invocations(conv);
    let axes = &conv.axes;
    let params = WeightsParams {
        in_size: p.vec4(each(axes, |a| a.input), conv.group_in)?,
        out_size: p.vec4(each(axes, |a| a.output), conv.group_out)?,
        window: p.vec4(each(axes, |a| a.kernel), 0)?,
        stride: p.vec4(each(axes, |a| a.stride), 0)?,
        dilation: p.vec4(each(axes, |a| a.dilation), 0)?,
        pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
        in_stride: p.vec4(conv.input.space, conv.input.c)?,
        out_stride: p.vec4(conv.output.space, conv.output.c)?,
        tap_stride: p.vec4(conv.kernel.space, conv.kernel.i)?,
        tap_out: p.u32(conv.kernel.o)?,
        in_batch: p.u32(conv.input.n)?,
        out_batch: p.u32(conv.output.n)?,
        blocks: p.u32(conv.group_out.div_ceil(BLOCK))?,
        groups: p.u32(conv.groups)?,
        rows: p.u32(rows)?,
        part_rows: p.u32(part_rows)?,
        elements: p.u32(elements)?,
        total: p.u32(total)?,
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    };
    p.u32(parts * elements)?;
    let kernel = WeightsGradient { dtype: conv.dtype };
    let slots = vec![Slot::Input(work.image), Slot::Input(work.windows), Slot::Scratch(0)];
    let sums = Step::new(kernel, &params, slots, p.invocations(total as u64)?);
    let params = PartsParams {
        total: p.u32(elements)?,
        parts: p.u32(parts)?,
        channel_stride: 1,
        channels: 1,
        ..bytemuck::Zeroable::zeroed()
    };
    let kernel = ConvParts { dtype: conv.dtype, activation: ActivationKind::None, residual: false };
    let slots = vec![Slot::Scratch(0), Slot::Input(work.image), Slot::Output(0)];
    let added = Step::new(kernel, &params, slots, p.invocations(elements as u64)?);
    let added = Step { why: "adds the parts of the sums", ..added };
    Ok(Steps { scratch: vec![4 * (parts * elements) as u64], ..vec![sums, added].into() })
}
