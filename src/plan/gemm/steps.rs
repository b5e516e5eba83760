//! The steps of a product of matrices.

use super::choice::{Choice, Tiled, windows};
use super::problem::{Gemm, Operands};
use super::rows::{step, taps_of};
use crate::error::Result;
use crate::kernel::{
    ActivationKind, ConvGemm, ConvGeometry, ConvParts, GemmFinish, GemmParams, PartsParams, Reduce,
};
use crate::plan::conv::params::geometry;
use crate::plan::planner::activation_of;
use crate::plan::{Planner, Slot, Step, Steps};
use crate::problem::PoolWork;
use crate::spec::Layout;

/// The product, and where sums are divided the addition of their parts.
pub(in crate::plan) fn steps(p: &Planner, gemm: &Gemm, choice: &Choice, at: &Operands) -> Result<Steps> {
    let work = &gemm.windows;
    let (activation, alpha_beta) = activation_of(work.activation, work.slope);
    let params = params(p, gemm, choice)?;
    if choice.parts == 1 {
        let kernel = kernel(gemm, choice, activation, finish(gemm.pool.as_ref()));
        let kernel = ConvGemm { residual: work.residual, ..kernel };
        return Ok(vec![product(p, kernel, choice, &params, at, at.result)?].into());
    }
    let sums = at.result.after();
    let of_parts = kernel(gemm, choice, ActivationKind::None, GemmFinish::Partial);
    let product = product(p, of_parts, choice, &params, at, sums)?;
    let bytes = 4 * (gemm.elements() * params.parts as usize) as u64;
    let params = PartsParams {
        total: params.part_elements,
        parts: params.parts,
        channel_stride: p.u32(work.output.c)?,
        channels: p.u32(gemm.all_channels())?,
        has_bias: u32::from(work.bias),
        alpha_beta,
        ..bytemuck::Zeroable::zeroed()
    };
    let kernel = ConvParts { dtype: gemm.dtype, activation, residual: work.residual };
    let grid = p.invocations(gemm.elements() as u64)?;
    let added = Step::new(kernel, &params, vec![sums, at.bias, at.result], grid);
    let added = Step { why: "adds the parts of the sums", ..added };
    Ok(Steps { scratch: vec![bytes], ..vec![product, added].into() })
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

fn kernel(gemm: &Gemm, choice: &Choice, activation: ActivationKind, finish: GemmFinish) -> ConvGemm {
    let (channels_last, taps) = (gemm.windows.layout == Layout::Nhwc, taps_of(&gemm.windows));
    let Tiled { tile, cooperative, .. } = choice.tiled;
    ConvGemm {
        dtype: gemm.dtype,
        activation,
        channels_last,
        tile,
        cooperative,
        taps,
        finish,
        residual: false,
    }
}

fn product(
    p: &Planner,
    kernel: ConvGemm,
    choice: &Choice,
    params: &GemmParams,
    at: &Operands,
    to: Slot,
) -> Result<Step> {
    let grid = p.workgroups(u64::from(params.tiles))?;
    let slots = vec![at.data, at.weights, at.bias, to];
    Ok(Step { why: choice.why, ..Step::new(kernel, params, slots, grid) })
}

fn params(p: &Planner, gemm: &Gemm, choice: &Choice) -> Result<GemmParams> {
    let work = &gemm.windows;
    let (convolution, pooling) = geometry(p, work, gemm.pool.as_ref())?;
    let convolution = ConvGeometry { in_group: p.u32(gemm.group_data)?, ..convolution };
    let tiled = &choice.tiled;
    let part_rows = gemm.depth.div_ceil(choice.parts).next_multiple_of(tiled.step());
    let parts = gemm.depth.div_ceil(part_rows);
    let columns = gemm.pool.as_ref().map_or(gemm.columns, windows);
    let part_elements = if choice.parts > 1 { gemm.elements() } else { 0 };
    let [d, h, w, c] = step(work, tiled.loaded());
    Ok(GemmParams {
        convolution,
        pooling,
        step: p.vec4([d, h, w], c)?,
        rows: p.u32(gemm.depth)?,
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
