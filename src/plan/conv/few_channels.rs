//! Convolution of few channels on GPUs, where tiles of a product of matrices would be mostly empty.

use super::epilogue::behind;
use super::request::{Both, Request};
use super::slots::weight_slots;
use crate::dtype::DType;
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{Across, ActivationKind, ConvPatch, ConvPatchParams, Patch};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::patch::{is_not_there, tall};
use crate::plan::planner::{Verdict, activation_of};
use crate::plan::{Family, Planner, Slot, Step, Steps, gemm, pool};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::PoolKind;

/// Input channels, whose sums are added one after another.
const MOST_INPUTS: usize = 32;

/// Taps along an axis and strides that are written out.
const MOST_SIDE: usize = 5;
const MOST_STRIDE: usize = 2;

/// Sums of four channels that an invocation holds: positions by output channels.
const MOST_SUMS: usize = 16;

/// Lines of products that are written out, which are taps by sums.
const MOST_LINES: usize = 150;

/// Positions of an image from which on packing weights pays.
const LEAST_POSITIONS: usize = 64;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/few_channels",
    family: Family::Gpu,
    about: "small windows of few channels: an invocation computes all channels at some rows of a column",
    solve: |request, p| {
        behind(request, p, |Request { work, to, .. }, p| {
            let patch = patch(work, None, p)?;
            Ok(Solution::new(cost(work), move || steps(p, work, None, patch, *to)))
        })
    },
};

/// The same with pooling, in an invocation for each pooling window.
pub(super) fn with_pool<'a>(both: &'a Both, p: &'a Planner) -> Result<Solution<'a>, &'static str> {
    both.apart()?;
    let (conv, pool) = (both.conv(), Some(both.pool()));
    let patch = patch(conv, pool, p)?;
    Ok(Solution::new(cost(conv), move || steps(p, conv, pool, patch, Slot::Output(0))))
}

fn cost(work: &ConvWork) -> Verdict {
    match work.pixels() >= LEAST_POSITIONS {
        true => Ok(()),
        false => Err("packing the weights costs more than so few positions"),
    }
}

/// The steps of a convolution, and of pooling behind it whose windows do not overlap.
fn steps(p: &Planner, work: &ConvWork, pool: Option<&PoolWork>, patch: ConvPatch, to: Slot) -> Result<Steps> {
    let channels = patch.fours as usize * 4;
    let params = params(p, work, pool, patch)?;
    let [_, bias] = weight_slots(work);
    let grid = p.invocations(u64::from(params.total))?;
    let slots = vec![Slot::Input(0), Slot::Packed(0), bias, to];
    let why = match pool {
        None => "few channels, all of them in an invocation at some rows of a column",
        Some(_) => {
            "few channels, all of them in an invocation at a pooling window: the convolution is never stored"
        }
    };
    let step = Step { why, ..Step::new(patch, &params, slots, grid) };
    let packed = (work.group_in * work.taps() * channels * work.dtype.unpacked().size()) as u64;
    Ok(Steps { packed: vec![packed], ..vec![gemm::pack_for(p, work, channels)?, step].into() })
}

/// What an invocation computes, or why windows and channels cannot be written out.
fn patch(work: &ConvWork, pool: Option<&PoolWork>, p: &Planner) -> Result<ConvPatch, &'static str> {
    let [depth, height, width] = &work.axes;
    let small =
        |a: &Axis| (a.dilation == 1 || a.kernel == 1) && a.kernel <= MOST_SIDE && a.stride <= MOST_STRIDE;
    if work.groups > 1 || work.group_in > MOST_INPUTS {
        return Err("channels are in groups, or too many to be added one after another");
    }
    if !is_not_there(depth) || !small(height) || !small(width) {
        return Err("windows are large, dilated, far apart or deep, and not written out");
    }
    if p.caps.fxc && work.dtype != DType::F32 {
        return Err("FXC takes seconds over the stores of many elements that share words");
    }
    let fours = work.group_out.div_ceil(4);
    let fits = |[rows, columns]: [u32; 2]| {
        let sums = fours.saturating_mul(rows as usize).saturating_mul(columns as usize);
        sums <= MOST_SUMS && sums * work.taps() <= MOST_LINES
    };
    let positions = match pool {
        None => {
            let mut rows = tall(Patch::heights(Across::Column), height.output);
            while rows > 1 && !fits([rows, 1]) {
                rows /= 2;
            }
            [rows, 1]
        }
        Some(PoolWork { axes: [depth, height, width], kind, .. }) => {
            let kind = matches!(kind, PoolKind::Max | PoolKind::Average { .. });
            let slides = |a: &Axis| !a.adaptive && (a.dilation == 1 || a.kernel == 1);
            if !kind || !is_not_there(depth) || !slides(height) || !slides(width) {
                return Err("pooling windows are dilated, adaptive or deep, or no maxima or means");
            }
            [height, width].map(|a| u32::try_from(a.kernel).unwrap_or(u32::MAX))
        }
    };
    if !fits(positions) {
        return Err("channels and positions are more than an invocation holds");
    }
    let stride = |positions: u32, a: &Axis| if positions > 1 { a.stride as u32 } else { 0 };
    Ok(ConvPatch {
        dtype: work.dtype,
        activation: ActivationKind::of(work.activation).0,
        pool: pool.map(|pool| pool.kind.into()),
        taps: [height.kernel as u32, width.kernel as u32],
        stride: [stride(positions[0], height), stride(positions[1], width)],
        positions,
        fours: fours as u32,
    })
}

fn params(
    p: &Planner,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    patch: ConvPatch,
) -> Result<ConvPatchParams> {
    let signed = |[_, h, w]: [usize; 3]| -> Result<[i32; 2]> { Ok([p.i32(h)?, p.i32(w)?]) };
    let unsigned = |[_, h, w]: [usize; 3]| -> Result<[u32; 2]> { Ok([p.u32(h)?, p.u32(w)?]) };
    let axes = &work.axes;
    let positions = patch.positions.map(|n| n as usize);
    let patches = match pool {
        None => [1, axes[1].output.div_ceil(positions[0]), axes[2].output.div_ceil(positions[1])],
        Some(pool) => pool.axes.map(|a| a.output),
    };
    let output = pool.map_or(&work.output, |pool| &pool.output);
    Ok(ConvPatchParams {
        image_size: signed(axes.map(|a| a.input))?,
        stride: signed(axes.map(|a| a.stride))?,
        pad_before: signed(axes.map(|a| a.pad_before))?,
        in_size: signed(axes.map(|a| a.output))?,
        step: signed(pool.map_or([1, positions[0], positions[1]], |pool| pool.axes.map(|a| a.stride)))?,
        before: signed(pool.map_or([0; 3], |pool| pool.axes.map(|a| a.pad_before)))?,
        padded_end: signed(pool.map_or([0; 3], |pool| pool.axes.map(|a| a.input + a.pad_after)))?,
        patches: unsigned(patches)?,
        in_stride: unsigned(work.input.space)?,
        out_stride: unsigned(output.space)?,
        in_channel: p.u32(work.input.c)?,
        in_batch: p.u32(work.input.n)?,
        out_channel: p.u32(output.c)?,
        out_batch: p.u32(output.n)?,
        total: p.u32(work.batch * patches[1] * patches[2])?,
        channels_in: p.u32(work.group_in)?,
        channels: p.u32(work.group_out)?,
        has_bias: u32::from(work.bias),
        alpha_beta: activation_of(work.activation, work.slope).1,
        divisor: pool.map_or(0, pool::divisor),
        nan: f32::NAN.to_bits(),
    })
}
