//! Convolution as a product of matrices, on hardware: its steps.

mod choice;
mod pack;
mod rows;
#[cfg(test)]
mod tests;

use super::conv::weight_slots;
use super::narrow::{u32_of, vec4};
use super::{Caps, Slot, Step, Steps, conv_params, grid};
use crate::error::Result;
use crate::kernel::{ActivationKind, GemmFinish, GemmKernel, GemmParams, KernelKey, PartsParams, Reduce};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::Layout;
use choice::{Choice, Tiled, choose, windows};
use pack::{pack, packed_size};
use rows::{rows, step, taps_of};

pub(super) use pack::pack_for;

/// Elements of the output.
fn elements(work: &ConvWork) -> usize {
    work.batch * work.out_channels() * work.pixels()
}

/// The steps of a convolution on hardware that fills tiles; else nothing.
pub(super) fn steps(op: &'static str, work: &ConvWork, caps: &Caps, to: Slot) -> Result<Option<Steps>> {
    let Some(choice) = choose(work, None, caps) else { return Ok(None) };
    let (activation, alpha) = ActivationKind::of(work.activation);
    let params = params(op, work, None, &choice)?;
    let mut steps = Steps::default();
    steps.steps.push(pack(op, work, &choice, caps)?);
    steps.packed.push(packed_size(work, &choice.tiled));
    if choice.parts == 1 {
        let finish = GemmFinish::Store;
        steps.steps.push(product(op, work, &choice, &params, (activation, finish), to, caps)?);
        return Ok(Some(steps));
    }
    let sums = to.after();
    let elements = elements(work);
    let of_parts = (ActivationKind::None, GemmFinish::Partial);
    steps.steps.push(product(op, work, &choice, &params, of_parts, sums, caps)?);
    steps.scratch.push(4 * (elements * params.parts as usize) as u64);
    let params = PartsParams {
        total: params.part_elements,
        parts: params.parts,
        channel_stride: u32_of(op, work.output.c)?,
        channels: u32_of(op, work.out_channels())?,
        has_bias: u32::from(work.bias),
        alpha,
        pad_0: 0,
        pad_1: 0,
    };
    let kernel = KernelKey::ConvParts { dtype: work.dtype, activation };
    let grid = grid::invocations(op, elements as u64, caps)?;
    let why = "adds the parts of the sums";
    let [_, bias] = weight_slots(work);
    steps.steps.push(Step { why, ..Step::new(kernel, &params, vec![sums, bias, to], grid) });
    Ok(Some(steps))
}

/// What becomes of a convolution with pooling.
pub(super) enum Pooled {
    /// One product that pools its tiles.
    Together(Steps),
    /// The convolution is such a product, but pooling is better done after it.
    Apart,
    /// The convolution is no such product.
    Neither,
}

/// Convolution and pooling whose windows do not overlap.
///
/// They are one kernel where its tiles are filled as the convolution's own are, and sums need not be divided.
pub(super) fn with_pool(op: &'static str, work: &ConvWork, pool: &PoolWork, caps: &Caps) -> Result<Pooled> {
    let Some(alone) = choose(work, None, caps) else { return Ok(Pooled::Neither) };
    let Some(mut choice) = choose(work, Some(pool), caps).filter(|together| {
        let most = alone.tiled.products + alone.tiled.products / 4;
        alone.parts == 1 && together.tiled.products <= most
    }) else {
        return Ok(Pooled::Apart);
    };
    choice.why = "tiles hold whole pooling windows, so that the convolution is never stored";
    let (activation, _) = ActivationKind::of(work.activation);
    let params = params(op, work, Some(pool), &choice)?;
    let finish = match Reduce::from(pool.kind) {
        Reduce::Average => GemmFinish::Average,
        Reduce::AveragePadded => GemmFinish::AveragePadded,
        _ => GemmFinish::Max,
    };
    let to = Slot::Output(0);
    let steps = vec![
        pack(op, work, &choice, caps)?,
        product(op, work, &choice, &params, (activation, finish), to, caps)?,
    ];
    Ok(Pooled::Together(Steps { steps, scratch: Vec::new(), packed: vec![packed_size(work, &choice.tiled)] }))
}

fn product(
    op: &'static str,
    work: &ConvWork,
    choice: &Choice,
    params: &GemmParams,
    (activation, finish): (ActivationKind, GemmFinish),
    to: Slot,
    caps: &Caps,
) -> Result<Step> {
    let channels_last = work.layout == Layout::Nhwc;
    let (dtype, taps) = (work.dtype, taps_of(work));
    let Tiled { tile, cooperative, .. } = choice.tiled;
    let kernel = GemmKernel { dtype, activation, channels_last, tile, cooperative, taps, finish };
    let kernel = KernelKey::ConvGemm(kernel);
    let grid = grid::workgroups(op, u64::from(params.tiles), caps)?;
    let [_, bias] = weight_slots(work);
    let slots = vec![Slot::Input(0), Slot::Packed(0), bias, to];
    Ok(Step { why: choice.why, ..Step::new(kernel, params, slots, grid) })
}

fn params(op: &'static str, work: &ConvWork, pool: Option<&PoolWork>, choice: &Choice) -> Result<GemmParams> {
    let (convolution, pooling) = conv_params::geometry(op, work, pool)?;
    let tiled = &choice.tiled;
    let part_rows = rows(work).div_ceil(choice.parts).next_multiple_of(tiled.step());
    let parts = rows(work).div_ceil(part_rows);
    let columns = pool.map_or(work.batch * work.pixels(), windows);
    let part_elements = if choice.parts > 1 { elements(work) } else { 0 };
    let [d, h, w, c] = step(work, tiled.loaded());
    Ok(GemmParams {
        convolution,
        pooling,
        step: vec4(op, [d, h, w], c)?,
        rows: u32_of(op, rows(work))?,
        part_rows: u32_of(op, part_rows)?,
        parts: u32_of(op, parts)?,
        part_elements: u32_of(op, part_elements)?,
        channel_tiles: u32_of(op, tiled.channel_tiles)?,
        column_tiles: u32_of(op, tiled.column_tiles)?,
        tiles: u32_of(op, tiled.tiles.saturating_mul(parts))?,
        columns: u32_of(op, columns)?,
        windows: u32_of(op, tiled.windows)?,
        identity: f32::NEG_INFINITY,
        nan: f32::NAN.to_bits(),
        pad_0: 0,
    })
}
