//! Convolution of few channels on hardware, whose tiles would be mostly empty.

use super::conv::weight_slots;
use super::narrow::{i32_of, u32_of};
use super::patch::{is_not_there, tall};
use super::{Caps, Slot, Step, Steps, conv_gemm, grid};
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{Across, ActivationKind, ConvPatch, ConvPatchParams, KernelKey};
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

/// The steps of a convolution, and of pooling behind it whose windows do not overlap, that this kernel takes.
pub(super) fn steps(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    caps: &Caps,
    to: Slot,
) -> Result<Option<Steps>> {
    let Some(patch) = patch(op, work, pool, caps)? else { return Ok(None) };
    let channels = patch.fours as usize * 4;
    let mut steps = Steps::default();
    steps.packed.push((work.group_in * work.taps() * channels * work.dtype.size()) as u64);
    steps.steps.push(conv_gemm::pack_for(op, work, channels, caps)?);
    let params = params(op, work, pool, patch)?;
    let [_, bias] = weight_slots(work);
    let grid = grid::invocations(op, u64::from(params.total), caps)?;
    let slots = vec![Slot::Input(0), Slot::Packed(0), bias, to];
    let why = match pool {
        None => "few channels, all of them in an invocation at some rows of a column",
        Some(_) => {
            "few channels, all of them in an invocation at a pooling window: the convolution is never stored"
        }
    };
    steps.steps.push(Step { why, ..Step::new(KernelKey::ConvPatch(patch), &params, slots, grid) });
    Ok(Some(steps))
}

fn patch(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    caps: &Caps,
) -> Result<Option<ConvPatch>> {
    let [depth, height, width] = &work.axes;
    let small =
        |a: &Axis| (a.dilation == 1 || a.kernel == 1) && a.kernel <= MOST_SIDE && a.stride <= MOST_STRIDE;
    let few = work.groups == 1 && work.group_in <= MOST_INPUTS && work.pixels() >= LEAST_POSITIONS;
    if caps.software || !few || !is_not_there(depth) || !small(height) || !small(width) {
        return Ok(None);
    }
    let fours = work.group_out.div_ceil(4);
    let fits = |[rows, columns]: [u32; 2]| {
        let sums = fours.saturating_mul(rows as usize).saturating_mul(columns as usize);
        sums <= MOST_SUMS && sums * work.taps() <= MOST_LINES
    };
    let positions = match pool {
        None => {
            let mut rows = tall(Across::Column, height.output);
            while rows > 1 && !fits([rows, 1]) {
                rows /= 2;
            }
            [rows, 1]
        }
        Some(PoolWork { axes: [depth, height, width], kind, .. }) => {
            let kind = matches!(kind, PoolKind::Max | PoolKind::Average { .. });
            let slides = |a: &Axis| !a.adaptive && (a.dilation == 1 || a.kernel == 1);
            if !kind || !is_not_there(depth) || !slides(height) || !slides(width) {
                return Ok(None);
            }
            [u32_of(op, height.kernel)?, u32_of(op, width.kernel)?]
        }
    };
    if !fits(positions) {
        return Ok(None);
    }
    let stride = |positions: u32, a: &Axis| if positions > 1 { a.stride as u32 } else { 0 };
    Ok(Some(ConvPatch {
        dtype: work.dtype,
        activation: ActivationKind::of(work.activation).0,
        pool: pool.map(|pool| pool.kind.into()),
        taps: [height.kernel as u32, width.kernel as u32],
        stride: [stride(positions[0], height), stride(positions[1], width)],
        positions,
        fours: fours as u32,
    }))
}

fn params(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    patch: ConvPatch,
) -> Result<ConvPatchParams> {
    let signed = |[_, h, w]: [usize; 3]| -> Result<[i32; 2]> { Ok([i32_of(op, h)?, i32_of(op, w)?]) };
    let unsigned = |[_, h, w]: [usize; 3]| -> Result<[u32; 2]> { Ok([u32_of(op, h)?, u32_of(op, w)?]) };
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
        in_channel: u32_of(op, work.input.c)?,
        in_batch: u32_of(op, work.input.n)?,
        out_channel: u32_of(op, output.c)?,
        out_batch: u32_of(op, output.n)?,
        total: u32_of(op, work.batch * patches[1] * patches[2])?,
        channels_in: u32_of(op, work.group_in)?,
        channels: u32_of(op, work.group_out)?,
        has_bias: u32::from(work.bias),
        alpha: ActivationKind::of(work.activation).1,
        divisor: pool.map_or(0, super::pool::divisor),
        nan: f32::NAN.to_bits(),
        pad_0: 0,
    })
}
