//! What the tiles cost that a convolution can be computed in.

use super::packing::Packing;
use super::regions::{Regions, WORDS};
use crate::kernel::{TILED_WORKGROUP, Tile, TileKeep, TileStep};
use crate::problem::ConvWork;

/// What costs as much time as so many multiply-adds; measured on lavapipe. A number that is loaded from a page; a weight
/// that every lane loads, or that lanes share; a sum that is kept from step to step, or goes on through memory; a number
/// of the input that is copied into a page; a tile's places and addresses; a dispatch.
const LOAD: usize = 4;
const WEIGHT: usize = 6;
const WEIGHT_SHARED: usize = 3;
const KEEP: usize = 2;
const GO_ON: usize = 100;
const COPY: usize = 60;
const TILE: usize = 4000;
const DISPATCH: usize = 500_000;

/// The same of an output that is stored, and read again by pooling.
pub(super) const STORED: usize = 80;

/// Tiles that all lanes of a small machine compute at once.
const LANES: usize = 16;

/// The largest step that the windows allow.
pub(super) fn step_of(work: &ConvWork) -> TileStep {
    let w = &work.axes[2];
    let fits = |step: &TileStep| match *step {
        TileStep::Channels(_) => true,
        TileStep::Row { taps, stride } => {
            (taps as usize, stride as usize, 1) == (w.kernel, w.stride, w.dilation)
        }
    };
    TileStep::ALL.into_iter().find(fits).unwrap_or(TileStep::Channels(4))
}

/// Numbers of input channels of a page to choose from: those that divide the group evenly, from the most whose weights
/// fit a page on.
pub(super) fn chunks(work: &ConvWork, tile: Tile) -> Vec<usize> {
    const PARTS: usize = 6;
    let (depth, pages) = (tile.step.depth() as usize, tile.pages as usize);
    // Four words more than a block has may be fetched with its last ones.
    let most = (WORDS / tile.channels as usize - 2) / work.taps() / depth * depth;
    let fewest = work.group_in.div_ceil((pages * most).max(1));
    // What is pooled cannot go on.
    let pooled = tile.keep != TileKeep::Each;
    if most == 0 || pooled && fewest > 1 {
        return Vec::new();
    }
    let chunk = |parts: usize| work.group_in.div_ceil(pages * parts).next_multiple_of(depth);
    let mut chunks: Vec<usize> = (fewest..fewest + if pooled { 1 } else { PARTS }).map(chunk).collect();
    chunks.dedup();
    // Pages without channels are another tile's.
    chunks.retain(|&chunk| work.group_in.div_ceil(chunk) >= pages);
    chunks
}

pub(super) fn parts(tile: &Tile, regions: &Regions) -> usize {
    regions.chunks.div_ceil(tile.pages as usize)
}

/// Where the weights of these tiles lie.
pub(super) fn packing(work: &ConvWork, tile: &Tile, regions: &Regions) -> Packing {
    Packing::new(work, tile.channels as usize, regions.chunk)
}

pub(super) fn dispatches(work: &ConvWork, tile: &Tile, regions: &Regions) -> usize {
    let packing = packing(work, tile, regions);
    regions.count() * work.groups * packing.blocks.div_ceil(packing.together()) * parts(tile, regions)
}

pub(super) fn cost(work: &ConvWork, tile: &Tile, rows: usize, regions: &Regions) -> u128 {
    let [width, channels, pages] = [tile.width, tile.channels, tile.pages].map(|n| n as usize);
    let (taps, depth) = (tile.step.taps() as usize, tile.step.depth() as usize);
    let weight = if tile.broadcast { WEIGHT_SHARED } else { WEIGHT };
    let loads = tile.columns() as usize * LOAD;
    let step = depth * loads + channels * (width * (taps * depth + KEEP) + taps * depth * weight);
    let steps = work.taps() / taps * regions.chunk.div_ceil(depth) * pages;
    // Code of several pages runs a little slower, and large tiles within the loop over a window's rows a quarter.
    let nested = if rows > 1 && width > 4 { 25 } else { 0 };
    let step = step * (100 + 3 * pages + nested) / 100;
    let parts = parts(tile, regions);
    let go_on = if parts > 1 { width * channels * GO_ON } else { 0 };
    let [z, y, x] = regions.out;
    let of_block = (regions.images * z * (y / rows) * (x / width)).next_multiple_of(TILED_WORKGROUP as usize);
    let packing = packing(work, tile, regions);
    let tiles = (of_block * packing.together()).next_multiple_of(LANES);
    let copied = regions.words(work);
    let dispatch = tiles as u128 * (rows * steps * step + go_on + TILE) as u128 + DISPATCH as u128;
    dispatches(work, tile, regions) as u128 * dispatch + (copied * COPY) as u128
}
