//! Weights in the order of the tiles.

use super::choice::{Choice, Tiled};
use super::problem::Gemm;
use super::rows::{row_order, rows};
use crate::error::Result;
use crate::kernel::{PackGemm, PackGemmParams};
use crate::plan::{Planner, Slot, Step};
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Packs the weights of a convolution for its product.
pub(in crate::plan) fn pack(p: &Planner, gemm: &Gemm, choice: &Choice) -> Result<Step> {
    let (work, Tiled { tile, channel_tiles, .. }) = (&gemm.windows, choice.tiled);
    packed(p, work, work.layout, (tile.side() as usize, channel_tiles))
}

/// Packs the weights of one group: for each input channel and tap, all output channels of a tile that has room for
/// them.
pub(in crate::plan) fn pack_for(p: &Planner, work: &ConvWork, tile: usize) -> Result<Step> {
    packed(p, work, Layout::Nchw, (tile, 1))
}

fn packed(p: &Planner, work: &ConvWork, layout: Layout, (tile, tiles): (usize, usize)) -> Result<Step> {
    let fields = |member: fn((usize, usize)) -> usize| -> Result<[u32; 4]> {
        let [a, b, c, d] = row_order(work, layout).map(member);
        p.vec4([a, b, c], d)
    };
    let total = (work.groups * tiles * tile * rows(work) / 4) as u64;
    let params = PackGemmParams {
        length: fields(|(length, _)| length)?,
        stride: fields(|(_, stride)| stride)?,
        tap_out: p.u32(work.kernel.o)?,
        rows: p.u32(rows(work))?,
        tile: p.u32(tile)?,
        tiles: p.u32(tiles)?,
        group_out: p.u32(work.group_out)?,
        total: p.u32(total as usize)?,
        ..bytemuck::Zeroable::zeroed()
    };
    let kernel = PackGemm { dtype: work.dtype };
    let grid = p.invocations(total)?;
    let step = Step::new(kernel, &params, vec![Slot::Input(1), Slot::Packed(0)], grid);
    Ok(Step { prepack: true, why: "weights in the order of the tiles", ..step })
}
