//! Convolution on software adapters: register tiles, with weights in uniform pages.

use super::narrow::{each, ivec4, u32_of, vec4};
use super::packing::Packing;
use super::{Caps, PAGE, Page, Slot, Step, grid};
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::params::TiledParams;
use crate::kernel::{ActivationKind, KernelKey, TILED_WORKGROUP, Tile, TileStep};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::PoolKind;
use crate::tensor::DType;

/// Dispatches of a convolution at most; beyond, the general kernel takes it.
const MOST_STEPS: usize = 512;

/// Products that are added one after another before they go into the next level of the sum.
const CHAIN: u32 = 64;

/// What a load from storage, a weight from a page and keeping a sum cost, in multiply-adds; measured on lavapipe.
const LOAD: usize = 30;
const WEIGHT: usize = 6;
const WEIGHT_SHARED: usize = 3;
const KEEP: usize = 3;

/// Tiles that all lanes of a small machine compute at once.
const LANES: usize = 16;

/// The tiles that plans choose from: what unrolls well within a processor's registers and first cache.
const WIDTHS: [u32; 3] = [8, 7, 4];
const CHANNELS: [u32; 4] = [16, 12, 8, 4];
const STEPS: [TileStep; 8] = [
    TileStep::Square { stride: 1 },
    TileStep::Square { stride: 2 },
    TileStep::Row { taps: 3, stride: 1 },
    TileStep::Row { taps: 5, stride: 1 },
    TileStep::Row { taps: 5, stride: 2 },
    TileStep::Row { taps: 7, stride: 1 },
    TileStep::Row { taps: 7, stride: 2 },
    TileStep::Channels(4),
];
const POOLS: [[u32; 2]; 2] = [[2, 2], [3, 3]];

/// Every tile that a plan may choose.
pub(crate) fn tiles() -> Vec<Tile> {
    let mut tiles = Vec::new();
    for broadcast in [false, true] {
        for channels in CHANNELS {
            for step in STEPS {
                let sliding = Tile { width: 0, height: 1, channels, step, pool: [1, 1], broadcast };
                tiles.extend(WIDTHS.map(|width| Tile { width, ..sliding }));
                tiles.extend(POOLS.map(|pool| pooling(sliding, pool)));
            }
        }
    }
    tiles
}

/// The tile of whole pooling windows.
fn pooling(tile: Tile, pool: [u32; 2]) -> Tile {
    let [height, width] = pool;
    Tile { width: if width == 2 { 4 } else { width }, height, pool, ..tile }
}

/// The largest step that the windows allow for a tile of `height` rows.
fn step_of(work: &ConvWork, height: u32) -> Option<TileStep> {
    let [_, h, w] = &work.axes;
    // Neighbouring rows of a tile share rows of the input.
    if height > 1 && (h.stride, h.dilation) != (1, 1) {
        return None;
    }
    let fits = |step: &TileStep| match *step {
        TileStep::Channels(_) => true,
        TileStep::Row { taps, stride } => {
            (taps as usize, stride as usize, 1) == (w.kernel, w.stride, w.dilation)
        }
        TileStep::Square { stride } => {
            (h.kernel, w.kernel, w.dilation, stride as usize) == (3, 3, 1, w.stride)
        }
    };
    STEPS.into_iter().find(fits)
}

/// The steps that convolve with register tiles into `to`, and pool if the windows are whole tiles; nothing where
/// another kernel must do it. They leave out what weights that are not finite make of the padding.
pub(super) fn steps(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    caps: &Caps,
    to: Slot,
) -> Result<Option<(Vec<Step>, u64)>> {
    let products =
        (work.batch * work.pixels() * work.out_channels()) as u64 * (work.group_in * work.taps()) as u64;
    if !caps.paged || work.dtype != DType::F32 || products < caps.tiled_from {
        return Ok(None);
    }
    let pooled = match pool.map(window_of) {
        Some(None) => return Ok(None),
        Some(Some(window)) => Some(window),
        None => None,
    };
    let work = &if pooled.is_some() { *work } else { flattened(work) };
    let Some((tile, chunk)) = choose(work, pooled, caps.subgroups_of_eight) else { return Ok(None) };
    let packing = Packing::new(work, tile.channels as usize, chunk);
    if packing.blocks * packing.chunks * work.groups > MOST_STEPS || pooled.is_some() && packing.chunks > 1 {
        return Ok(None);
    }
    let mut steps = vec![packing.step(op, work, caps)?];
    for group in 0..work.groups {
        for block in 0..packing.blocks {
            for part in 0..packing.chunks {
                let place = Place { group, block, part };
                steps.push(step(op, work, pool, tile, &packing, place, caps, to)?);
            }
        }
    }
    // The last block's page is whole.
    let bytes = (4 * packing.words() as u64).next_multiple_of(u64::from(caps.uniform_alignment)) + PAGE;
    Ok(Some((steps, bytes)))
}

/// Which part of the convolution a step computes.
#[derive(Clone, Copy)]
struct Place {
    group: usize,
    block: usize,
    part: usize,
}

#[allow(clippy::too_many_arguments)] // all of it goes into one block of parameters
fn step(
    op: &'static str,
    work: &ConvWork,
    pool: Option<&PoolWork>,
    tile: Tile,
    packing: &Packing,
    Place { group, block, part }: Place,
    caps: &Caps,
    to: Slot,
) -> Result<Step> {
    let axes = &work.axes;
    let first_in = part * packing.chunk;
    let inputs = packing.chunk.min(work.group_in - first_in);
    let first_out = block * packing.lanes;
    let outputs = packing.lanes.min(work.group_out - first_out);
    let output = pool.map_or(work.output, |pool| pool.output);
    let tiles = tile_counts(work, tile);
    let total = work.batch * tiles.iter().product::<usize>();
    let (activation, alpha) = ActivationKind::of(work.activation);
    let bounds = pool.map_or(axes, |pool| &pool.axes);
    let steps = work.taps() / tile.step.taps().map(|n| n as usize).iter().product::<usize>()
        * inputs.div_ceil(tile.step.depth() as usize);
    let params = TiledParams {
        in_size: vec4(op, each(axes, |a| a.input), inputs)?,
        out_size: vec4(op, each(axes, |a| a.output), outputs)?,
        window: vec4(op, each(axes, |a| a.kernel), 0)?,
        stride: vec4(op, each(axes, |a| a.stride), 0)?,
        dilation: vec4(op, each(axes, |a| a.dilation), 0)?,
        pad_before: ivec4(op, each(axes, |a| a.pad_before))?,
        in_stride: vec4(op, work.input.space, work.input.c)?,
        out_stride: vec4(op, output.space, output.c)?,
        tiles: vec4(op, tiles, total)?,
        bounds: [u32_of(op, bounds[2].output)?, u32_of(op, bounds[1].output)?, 0, 0],
        in_first: u32_of(op, (group * work.group_in + first_in) * work.input.c)?,
        in_batch: u32_of(op, work.input.n)?,
        out_first: u32_of(op, (group * work.group_out + first_out) * output.c)?,
        out_batch: u32_of(op, output.n)?,
        steps: u32_of(op, steps)?,
        chain: (CHAIN / products_of(tile.step)).max(1),
        positions: tile.out().iter().product(),
        bias_at: u32_of(op, packing.chunk * work.taps() * packing.lanes / 4)?,
        alpha,
        nan: f32::NAN.to_bits(),
        pad_0: 0,
        pad_1: 0,
    };
    let first = part == 0;
    let last = part + 1 == packing.chunks;
    let kernel = KernelKey::ConvTiled { tile, activation, first, last };
    let grid = grid::workgroups(op, (total as u64).div_ceil(u64::from(TILED_WORKGROUP)), caps)?;
    let why = match pool {
        None => "a software adapter, which is fast with register tiles and weights in uniform pages",
        Some(_) => {
            "a software adapter; tiles are whole pooling windows, so that the convolution is never stored"
        }
    };
    let offset = 4 * packing.first(group, block, part) as u64;
    let pages = vec![Page { slot: Slot::Packed(0), offset }];
    Ok(Step { pages, why, ..Step::new(kernel, &params, vec![Slot::Input(0), to], grid) })
}

/// Width and height of pooling windows that tiles can hold: maxima of windows side by side, without padding.
fn window_of(pool: &PoolWork) -> Option<[u32; 2]> {
    let [d, h, w] = &pool.axes;
    let side_by_side = |a: &Axis| a.stride == a.kernel && a.dilation == 1 && a.pad_before == 0 && !a.adaptive;
    if !is_single(d) || !side_by_side(h) || !side_by_side(w) {
        return None;
    }
    let window = [h.kernel as u32, w.kernel as u32];
    let fits = pool.kind == PoolKind::Max && pool.indices.is_none() && POOLS.contains(&window);
    fits.then_some(window)
}

/// Tiles along width, height and depth.
fn tile_counts(work: &ConvWork, tile: Tile) -> [usize; 3] {
    let [d, h, w] = each(&work.axes, |a| a.output);
    [w.div_ceil(tile.width as usize), h.div_ceil(tile.height as usize), d]
}

/// The tile that costs least, and the input channels whose weights fit a page.
fn choose(work: &ConvWork, pool: Option<[u32; 2]>, broadcast: bool) -> Option<(Tile, usize)> {
    let height = pool.map_or(1, |[height, _]| height);
    let step = step_of(work, height)?;
    let candidates = CHANNELS.into_iter().flat_map(|channels| {
        let tile = Tile { width: 0, height: 1, channels, step, pool: [1, 1], broadcast };
        match pool {
            None => WIDTHS.map(|width| Tile { width, ..tile }).to_vec(),
            Some(pool) => vec![pooling(tile, pool)],
        }
    });
    let words = (PAGE / 4) as usize;
    let depth = step.depth() as usize;
    // Whole steps; and four words more than a block has may be fetched with its last ones.
    let chunk =
        |tile: &Tile| (words / tile.channels as usize).saturating_sub(2) / work.taps() / depth * depth;
    let tile = candidates.filter(|tile| chunk(tile) > 0).min_by_key(|tile| cost(work, *tile))?;
    Some((tile, chunk(&tile).min(work.group_in.next_multiple_of(depth))))
}

/// Products of a step for each sum.
fn products_of(step: TileStep) -> u32 {
    step.taps().iter().product::<u32>() * step.depth()
}

fn cost(work: &ConvWork, tile: Tile) -> u128 {
    let [width, height, channels] = [tile.width, tile.height, tile.channels].map(|n| n as usize);
    let (products, depth) = (products_of(tile.step) as usize, tile.step.depth() as usize);
    let tiles = work.batch * tile_counts(work, tile).iter().product::<usize>();
    let weight = if tile.broadcast { WEIGHT_SHARED } else { WEIGHT };
    let loads = (tile.columns() * tile.rows()) as usize * depth * LOAD;
    let step = loads + channels * (width * height * (products + KEEP) + products * weight);
    let steps = work.taps() * work.group_in.next_multiple_of(depth) / products;
    let factors = [tiles.next_multiple_of(LANES), work.group_out.div_ceil(channels), step, steps];
    factors.into_iter().map(|n| n as u128).product()
}

/// Whether windows are the elements themselves.
fn is_single(axis: &Axis) -> bool {
    *axis == Axis { input: axis.input, output: axis.input, ..Axis::UNIT }
}

/// The same convolution with positions in one row where windows are single elements: tiles then waste none.
fn flattened(work: &ConvWork) -> ConvWork {
    let [d, h, w] = work.axes;
    let contiguous = |strides: &Strides, size: fn(&Axis) -> usize| {
        let [sd, sh, sw] = strides.space;
        (size(&h) == 1 || sh == sw * size(&w)) && (size(&d) == 1 || sd == sw * size(&w) * size(&h))
    };
    if !work.axes.iter().all(is_single)
        || !contiguous(&work.input, |a| a.input)
        || !contiguous(&work.output, |a| a.output)
    {
        return *work;
    }
    let pixels = work.pixels();
    let row = |length| Axis { input: length, output: length, ..Axis::UNIT };
    let mut flat = ConvWork { axes: [Axis::UNIT, Axis::UNIT, row(pixels)], ..*work };
    if pixels == 1 {
        // Dense layers: the rows of the batch are the positions.
        flat.input.space[2] = work.input.n;
        flat.output.space[2] = work.output.n;
        flat.axes[2] = row(work.batch);
        flat.batch = 1;
    } else if work.input.n == pixels * work.input.space[2] && work.output.n == pixels * work.output.space[2] {
        flat.axes[2] = row(pixels * work.batch);
        flat.batch = 1;
    }
    flat
}
