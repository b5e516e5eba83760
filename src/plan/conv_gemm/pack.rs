//! Weights in the order of the tiles.

use super::choice::{Choice, Tiled};
use super::rows::{row_order, rows};
use crate::error::Result;
use crate::kernel::{KernelKey, PackGemmParams};
use crate::plan::narrow::{u32_of, vec4};
use crate::plan::{Caps, Slot, Step, grid};
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Bytes of the packed weights.
pub(super) fn packed_size(work: &ConvWork, tiled: &Tiled) -> u64 {
    let channels = (work.groups * tiled.channel_tiles) as u64 * tiled.tile as u64;
    channels.saturating_mul(rows(work) as u64).saturating_mul(work.dtype.size() as u64)
}

pub(super) fn pack(op: &'static str, work: &ConvWork, choice: &Choice, caps: &Caps) -> Result<Step> {
    let Tiled { tile, channel_tiles, .. } = choice.tiled;
    packed(op, work, work.layout, (tile as usize, channel_tiles), caps)
}

/// Packs the weights of one group: for each input channel and tap, all output channels of a tile that has room for
/// them.
pub(in crate::plan) fn pack_for(op: &'static str, work: &ConvWork, tile: usize, caps: &Caps) -> Result<Step> {
    packed(op, work, Layout::Nchw, (tile, 1), caps)
}

fn packed(
    op: &'static str,
    work: &ConvWork,
    layout: Layout,
    (tile, tiles): (usize, usize),
    caps: &Caps,
) -> Result<Step> {
    let fields = |member: fn((usize, usize)) -> usize| -> Result<[u32; 4]> {
        let [a, b, c, d] = row_order(work, layout).map(member);
        vec4(op, [a, b, c], d)
    };
    let total = (work.groups * tiles * tile * rows(work) / 4) as u64;
    let params = PackGemmParams {
        length: fields(|(length, _)| length)?,
        stride: fields(|(_, stride)| stride)?,
        tap_out: u32_of(op, work.kernel.o)?,
        rows: u32_of(op, rows(work))?,
        tile: u32_of(op, tile)?,
        tiles: u32_of(op, tiles)?,
        group_out: u32_of(op, work.group_out)?,
        total: u32_of(op, total as usize)?,
        pad_0: 0,
        pad_1: 0,
    };
    let kernel = KernelKey::PackGemm { dtype: work.dtype };
    let grid = grid::invocations(op, total, caps)?;
    let step = Step::new(kernel, &params, vec![Slot::Input(1), Slot::Packed(0)], grid);
    Ok(Step { once: true, why: "weights in the order of the tiles", ..step })
}
