//! Kernels for the gradient of a kernel: what competes for it.

use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{
    ActivationKind, ConvParts, KernelKey, PartsParams, WORKGROUP, WeightsGradient, WeightsGradientDepthwise,
    WeightsGradientTiles, WeightsParams,
};
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
pub(in crate::plan) static TABLE: [Candidate<WeightsWork>; 4] = [
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
        name: "weights_gradient/depthwise",
        family: Family::General,
        about: "channels by themselves, small windows: a plane of the window of one output channel an invocation",
        solve: |work, p| {
            let kernel = depthwise(&work.conv)?;
            let little = work.conv.little_outside();
            let cost =
                if little { Ok(()) } else { Err("most of what its windows cover lies outside the input") };
            Ok(Solution::new(cost, move || in_parts(p, work, Tile::Plane, kernel)))
        },
    },
    Candidate {
        name: "weights_gradient/tiles",
        family: Family::General,
        about: "windows that neighbour each other: two input and four output channels and a row of taps an invocation",
        solve: |work, p| {
            let conv = &work.conv;
            let across = conv.axes[2].plain();
            if across.stride != 1 || across.dilation != 1 || across.kernel > WeightsGradientTiles::MOST_TAPS {
                return Err("windows or taps are not neighbours, or rows of taps are long");
            }
            let little = conv.little_outside() && across.output > 1 && across.kernel * conv.group_in > 1;
            let cost = if little { Ok(()) } else { Err("an element is loaded for one tap alone") };
            Ok(Solution::new(cost, || tiles(p, work)))
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
    // Images of a group are its input channels.
    let mut gemm = Gemm::of_windows(&taps, None);
    gemm.group_data = conv.group_in * conv.input.c;
    Ok(gemm)
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

/// The kernel for channels that are convolved by themselves.
fn depthwise(conv: &ConvWork) -> Result<WeightsGradientDepthwise, &'static str> {
    if conv.group_in != 1 || conv.groups < 2 {
        return Err("channels are not convolved by themselves");
    }
    let across = conv.axes[2].plain();
    let [rows, columns] = [conv.axes[1].kernel, across.kernel];
    let written = |window: &[u32; 2]| window.map(|n| n as usize) == [rows, columns];
    let window = WeightsGradientDepthwise::WINDOWS.into_iter().find(written);
    let stride = u32::try_from(across.stride).unwrap_or(u32::MAX);
    match window {
        Some(window) if across.dilation == 1 && stride <= WeightsGradientDepthwise::MOST_STRIDE => {
            Ok(WeightsGradientDepthwise { dtype: conv.dtype, window, stride })
        }
        _ => {
            Err("the window is none of 3 and 5 columns with 1 row or as many, or its stride is larger than 2")
        }
    }
}

/// Rows of windows of all images.
fn rows(conv: &ConvWork) -> usize {
    let [d, h, _] = each(&conv.axes, |a| a.output);
    conv.batch * d * h
}

/// What of a kernel an invocation computes, the first two of four output channels.
#[derive(Clone, Copy, PartialEq)]
enum Tile {
    /// A tap of an input channel.
    Tap,
    /// A row of taps of two input channels.
    Row,
    /// A plane of taps of one output channel, of those that are convolved by themselves.
    Plane,
}

impl Tile {
    /// Invocations of a part.
    fn invocations(self, conv: &ConvWork) -> usize {
        let [d, h, w] = each(&conv.axes, |a| a.kernel);
        let of_group = match self {
            Tile::Tap => conv.group_in * d * h * w,
            Tile::Row => conv.group_in.div_ceil(2) * d * h,
            Tile::Plane => return conv.out_channels() * d,
        };
        conv.groups * conv.group_out.div_ceil(BLOCK) * of_group
    }

    /// The loops over the rows of a part.
    fn iterations(self, conv: &ConvWork, parts: usize) -> Iterations {
        let rows = rows(conv).div_ceil(parts);
        match self {
            Tile::Tap => {
                let width = conv.axes[2].output.min(conv.axes[2].input);
                Iterations::default().repeated(width).repeated(rows)
            }
            Tile::Row | Tile::Plane => {
                let chains = conv.axes[2].output.div_ceil(CHAIN);
                Iterations::default().repeated(CHAIN).repeated(chains).repeated(rows)
            }
        }
    }
}

/// Windows of a chain in `gradient/weights_tiles.wgsl`.
const CHAIN: usize = 16;

fn weights(conv: &ConvWork) -> usize {
    conv.out_channels() * conv.group_in * conv.taps()
}

/// How many parts keep the device busy, and its loops short enough.
fn parts(conv: &ConvWork, tile: Tile, p: &Planner) -> Result<usize> {
    let busy = p.caps.target_workgroups as usize * WORKGROUP as usize;
    let held = p.caps.max_binding as usize / (4 * weights(conv)).max(1);
    let most = rows(conv).min(MOST_PARTS).min(held).max(1);
    let wanted = busy.div_ceil(tile.invocations(conv).max(1)).clamp(1, most);
    let parts = (wanted..=most).find(|&parts| tile.iterations(conv, parts).fit(p)).unwrap_or(most);
    tile.iterations(conv, parts).check(p)?;
    Ok(parts)
}

fn direct(p: &Planner, work: &WeightsWork) -> Result<Steps> {
    in_parts(p, work, Tile::Tap, WeightsGradient { dtype: work.conv.dtype })
}

fn tiles(p: &Planner, work: &WeightsWork) -> Result<Steps> {
    let kernel = WeightsGradientTiles { dtype: work.conv.dtype, taps: p.u32(work.conv.axes[2].kernel)? };
    in_parts(p, work, Tile::Row, kernel)
}

/// The parts of sums by `kernel`, then all of them.
fn in_parts(p: &Planner, work: &WeightsWork, tile: Tile, kernel: impl Into<KernelKey>) -> Result<Steps> {
    let (conv, rows, elements) = (&work.conv, rows(&work.conv), weights(&work.conv));
    let parts = parts(conv, tile, p)?;
    let part_rows = rows.div_ceil(parts).max(1);
    let parts = rows.div_ceil(part_rows).max(1);
    let total = parts * tile.invocations(conv);
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
        channel_pairs: p.u32(conv.group_in.div_ceil(2))?,
        pad_1: 0,
        pad_2: 0,
    };
    p.u32(parts * elements)?;
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
