//! The steps of a convolution as a product of matrices.

use super::choice::{Choice, Tiled, windows};
use super::pack::{pack, packed_size};
use super::rows::{rows, step, taps_of};
use crate::error::Result;
use crate::kernel::{ActivationKind, GemmFinish, GemmKernel, GemmParams, KernelKey, PartsParams, Reduce};
use crate::plan::conv::{params::geometry, weight_slots};
use crate::plan::{Planner, Slot, Step, Steps};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::Layout;

/// Elements of the output.
fn elements(work: &ConvWork) -> usize {
    work.batch * work.out_channels() * work.pixels()
}

/// The steps of a convolution, and of pooling behind it whose windows do not overlap.
pub(in crate::plan) fn steps(
    p: &Planner,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    choice: &Choice,
    to: Slot,
) -> Result<Steps> {
    let (activation, alpha) = ActivationKind::of(work.activation);
    let params = params(p, work, pool, choice)?;
    let mut steps = Steps::default();
    steps.steps.push(pack(p, work, choice)?);
    steps.packed.push(packed_size(work, &choice.tiled));
    if choice.parts == 1 {
        let finish = finish(pool);
        steps.steps.push(product(p, work, choice, &params, (activation, finish), to)?);
        return Ok(steps);
    }
    let sums = to.after();
    let elements = elements(work);
    let of_parts = (ActivationKind::None, GemmFinish::Partial);
    steps.steps.push(product(p, work, choice, &params, of_parts, sums)?);
    steps.scratch.push(4 * (elements * params.parts as usize) as u64);
    let params = PartsParams {
        total: params.part_elements,
        parts: params.parts,
        channel_stride: p.u32(work.output.c)?,
        channels: p.u32(work.out_channels())?,
        has_bias: u32::from(work.bias),
        alpha,
        pad_0: 0,
        pad_1: 0,
    };
    let kernel = KernelKey::ConvParts { dtype: work.dtype, activation };
    let grid = p.invocations(elements as u64)?;
    let why = "adds the parts of the sums";
    let [_, bias] = weight_slots(work);
    steps.steps.push(Step { why, ..Step::new(kernel, &params, vec![sums, bias, to], grid) });
    Ok(steps)
}

/// What becomes of the sums of a tile.
fn finish(pool: Option<&PoolWork>) -> GemmFinish {
    match pool.map(|pool| Reduce::from(pool.kind)) {
        None => GemmFinish::Store,
        Some(Reduce::Average) => GemmFinish::Average,
        Some(Reduce::AveragePadded) => GemmFinish::AveragePadded,
        Some(_) => GemmFinish::Max,
    }
}

fn product(
    p: &Planner,
    work: &ConvWork,
    choice: &Choice,
    params: &GemmParams,
    (activation, finish): (ActivationKind, GemmFinish),
    to: Slot,
) -> Result<Step> {
    let channels_last = work.layout == Layout::Nhwc;
    let (dtype, taps) = (work.dtype, taps_of(work));
    let Tiled { tile, cooperative, .. } = choice.tiled;
    let kernel = GemmKernel { dtype, activation, channels_last, tile, cooperative, taps, finish };
    let kernel = KernelKey::ConvGemm(kernel);
    let grid = p.workgroups(u64::from(params.tiles))?;
    let [_, bias] = weight_slots(work);
    let slots = vec![Slot::Input(0), Slot::Packed(0), bias, to];
    Ok(Step { why: choice.why, ..Step::new(kernel, params, slots, grid) })
}

fn params(p: &Planner, work: &ConvWork, pool: Option<&PoolWork>, choice: &Choice) -> Result<GemmParams> {
    let (convolution, pooling) = geometry(p, work, pool)?;
    let tiled = &choice.tiled;
    let part_rows = rows(work).div_ceil(choice.parts).next_multiple_of(tiled.step());
    let parts = rows(work).div_ceil(part_rows);
    let columns = pool.map_or(work.batch * work.pixels(), windows);
    let part_elements = if choice.parts > 1 { elements(work) } else { 0 };
    let [d, h, w, c] = step(work, tiled.loaded());
    Ok(GemmParams {
        convolution,
        pooling,
        step: p.vec4([d, h, w], c)?,
        rows: p.u32(rows(work))?,
        part_rows: p.u32(part_rows)?,
        parts: p.u32(parts)?,
        part_elements: p.u32(part_elements)?,
        channel_tiles: p.u32(tiled.channel_tiles)?,
        column_tiles: p.u32(tiled.column_tiles)?,
        tiles: p.u32(tiled.tiles.saturating_mul(parts))?,
        columns: p.u32(columns)?,
        windows: p.u32(tiled.windows)?,
        identity: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        pad_0: 0,
    })
}
