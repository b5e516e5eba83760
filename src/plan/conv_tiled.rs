//! Convolution on software adapters: register tiles that read regions of the input, and weights, from uniform pages.

use super::narrow::{each, u32_of, vec4};
use super::packing::Packing;
use super::regions::{Region, Regions, WORDS};
use super::{Caps, PAGE, Page, Slot, Step, Steps, grid};
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::params::TiledParams;
use crate::kernel::{ActivationKind, KernelKey, TILED_WORKGROUP, Tile, TileStep};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::PoolKind;
use crate::tensor::DType;

/// Dispatches of a convolution at most; beyond, the general kernel takes it.
const MOST_STEPS: usize = 4096;

/// Products that are added one after another before they go into the next level of the sum.
const CHAIN: u32 = 64;

/// What costs as much time as so many multiply-adds; measured on lavapipe. A number that is loaded from a page; a weight
/// that every lane loads, or that lanes share; a sum that is kept from step to step, or goes on through memory; a number
/// of the input that is copied into a page; a dispatch.
const LOAD: usize = 4;
const WEIGHT: usize = 6;
const WEIGHT_SHARED: usize = 3;
const KEEP: usize = 2;
const GO_ON: usize = 100;
const COPY: usize = 60;
const DISPATCH: usize = 500_000;

/// Tiles that all lanes of a small machine compute at once.
const LANES: usize = 16;

/// Bytes of input that are copied into pages at a time.
const ROUND: usize = 16 << 20;

/// The tiles that plans choose from: what unrolls well within a processor's registers and first cache.
const WIDTHS: [u32; 3] = [8, 7, 4];
const CHANNELS: [u32; 4] = [16, 12, 8, 4];
const PAGES: [u32; 3] = [1, 2, 4];
const STEPS: [TileStep; 6] = [
    TileStep::Row { taps: 3, stride: 1 },
    TileStep::Row { taps: 3, stride: 2 },
    TileStep::Row { taps: 5, stride: 1 },
    TileStep::Row { taps: 7, stride: 1 },
    TileStep::Row { taps: 7, stride: 2 },
    TileStep::Channels(4),
];
const POOLS: [[u32; 2]; 2] = [[2, 2], [3, 3]];

/// Every tile that a plan may choose.
pub(crate) fn tiles() -> Vec<Tile> {
    let mut tiles = Vec::new();
    for broadcast in [false, true] {
        for pages in PAGES {
            for step in STEPS {
                for pool in [None, Some(POOLS[0]), Some(POOLS[1])] {
                    tiles.extend(candidates(step, pool, pages, broadcast));
                }
            }
        }
    }
    tiles
}

/// The tiles of a step: rows of positions, or whole pooling windows.
fn candidates(step: TileStep, pool: Option<[u32; 2]>, pages: u32, broadcast: bool) -> Vec<Tile> {
    let sides = match pool {
        None => WIDTHS.map(|width| [1, width]).to_vec(),
        Some([2, 2]) => vec![[2, 4], [2, 8]],
        Some(window) => vec![window],
    };
    let pool = pool.unwrap_or([1, 1]);
    let of =
        |channels, [height, width]: [u32; 2]| Tile { width, height, channels, step, pool, pages, broadcast };
    CHANNELS.into_iter().flat_map(|channels| sides.iter().map(move |&side| of(channels, side))).collect()
}

/// The largest step that the windows allow.
fn step_of(work: &ConvWork) -> TileStep {
    let w = &work.axes[2];
    let fits = |step: &TileStep| match *step {
        TileStep::Channels(_) => true,
        TileStep::Row { taps, stride } => {
            (taps as usize, stride as usize, 1) == (w.kernel, w.stride, w.dilation)
        }
    };
    STEPS.into_iter().find(fits).unwrap_or(TileStep::Channels(4))
}

/// How a convolution is computed in tiles.
pub(super) struct Choice {
    /// The convolution, in one row where that is the same.
    work: ConvWork,
    pool: Option<PoolWork>,
    tile: Tile,
    regions: Regions,
    packing: Packing,
}

/// The tiles and regions that cost least, with pooling behind it if the windows are whole tiles; nothing where another
/// kernel must do it.
pub(super) fn choose(work: &ConvWork, pool: Option<&PoolWork>, caps: &Caps) -> Option<Choice> {
    let outputs = work.batch * work.pixels() * work.out_channels();
    if !caps.paged
        || work.dtype != DType::F32
        || ((outputs * work.group_in * work.taps()) as u64) < caps.tiled_from
    {
        return None;
    }
    let window = match pool {
        Some(pool) => Some(window_of(pool)?),
        None => None,
    };
    let work = if pool.is_some() { *work } else { flattened(work) };
    let step = step_of(&work);
    let tiles = PAGES.into_iter().flat_map(|pages| candidates(step, window, pages, caps.subgroups_of_eight));
    let choices = tiles.flat_map(|tile| {
        chunks(&work, tile, window.is_some()).into_iter().flat_map(move |chunk| {
            Regions::all(&work, &tile, chunk).into_iter().map(move |regions| (tile, regions))
        })
    });
    let fits = |(tile, regions): &(Tile, Regions)| {
        dispatches(&work, tile, regions) <= MOST_STEPS
            && regions.bytes(&work, 1, caps) as u64 <= caps.max_binding
    };
    let (tile, regions) = choices.filter(fits).min_by_key(|(tile, regions)| cost(&work, tile, regions))?;
    let packing = Packing::new(&work, tile.channels as usize, regions.chunk);
    Some(Choice { work, pool: pool.copied(), tile, regions, packing })
}

/// Numbers of input channels of a page to choose from: those that divide the group evenly, from the most whose weights
/// fit a page on.
fn chunks(work: &ConvWork, tile: Tile, pooled: bool) -> Vec<usize> {
    const PARTS: usize = 6;
    let (depth, pages) = (tile.step.depth() as usize, tile.pages as usize);
    // Four words more than a block has may be fetched with its last ones.
    let most = (WORDS / tile.channels as usize - 2) / work.taps() / depth * depth;
    let fewest = work.group_in.div_ceil((pages * most).max(1));
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

fn blocks(work: &ConvWork, tile: &Tile) -> usize {
    work.group_out.div_ceil(tile.channels as usize)
}

fn parts(tile: &Tile, regions: &Regions) -> usize {
    regions.chunks.div_ceil(tile.pages as usize)
}

fn dispatches(work: &ConvWork, tile: &Tile, regions: &Regions) -> usize {
    regions.count() * work.groups * blocks(work, tile) * parts(tile, regions)
}

fn cost(work: &ConvWork, tile: &Tile, regions: &Regions) -> u128 {
    let [width, height, channels, pages] =
        [tile.width, tile.height, tile.channels, tile.pages].map(|n| n as usize);
    let (taps, depth) = (tile.step.taps() as usize, tile.step.depth() as usize);
    let weight = if tile.broadcast { WEIGHT_SHARED } else { WEIGHT };
    let positions = width * height;
    let loads = tile.columns() as usize * height * LOAD;
    let step = depth * loads + channels * (positions * (taps * depth + KEEP) + taps * depth * weight);
    let steps = work.taps() / taps * regions.chunk.div_ceil(depth) * pages;
    // Code of several pages runs a little slower.
    let step = step * (100 + 3 * pages) / 100;
    let parts = parts(tile, regions);
    let go_on = if parts > 1 { positions * channels * GO_ON } else { 0 };
    let [z, y, x] = regions.out;
    let tiles = (regions.images * z * (y / height) * (x / width)).next_multiple_of(LANES);
    let copied = regions.count() * work.groups * regions.chunks * regions.images * regions.strides()[3];
    let dispatch = tiles as u128 * (steps * step + go_on) as u128 + DISPATCH as u128;
    dispatches(work, tile, regions) as u128 * dispatch + (copied * COPY) as u128
}

impl Choice {
    /// The steps that convolve into `to`. They leave out what weights that are not finite make of the padding.
    pub fn steps(&self, op: &'static str, caps: &Caps, to: Slot) -> Result<Steps> {
        let Choice { work, regions, packing, .. } = self;
        let packed = to.after();
        // Regions are copied so many at a time, which bounds the memory.
        let of_one = regions.bytes(work, 1, caps) - PAGE as usize;
        let round = (ROUND / of_one).clamp(1, regions.count());
        let mut steps = vec![packing.step(op, work, caps)?];
        for first in (0..regions.count()).step_by(round) {
            let count = round.min(regions.count() - first);
            steps.push(regions.pack(op, work, [first, count], packed, caps)?);
            for number in 0..count {
                let region = regions.region(work, first + number);
                for group in 0..work.groups {
                    for block in 0..packing.blocks {
                        for part in 0..parts(&self.tile, regions) {
                            let place = Place { number, group, block, part };
                            steps.push(self.step(op, &region, place, caps, to)?);
                        }
                    }
                }
            }
        }
        // The last block's page is whole.
        let weights = (4 * packing.words() as u64).next_multiple_of(u64::from(caps.uniform_alignment)) + PAGE;
        let scratch = vec![regions.bytes(work, round, caps) as u64];
        Ok(Steps { steps, scratch, packed: vec![weights] })
    }

    fn step(&self, op: &'static str, region: &Region, place: Place, caps: &Caps, to: Slot) -> Result<Step> {
        let Choice { work, tile, regions, packing, .. } = self;
        let Place { number, group, block, part } = place;
        let (axes, pool) = (&work.axes, self.pool.as_ref());
        let first_out = block * packing.lanes;
        let outputs = packing.lanes.min(work.group_out - first_out);
        let output = pool.map_or(work.output, |pool| pool.output);
        let [z, y, x] = region.count;
        let tiles = [x.div_ceil(tile.width as usize), y.div_ceil(tile.height as usize), z];
        let total = region.images * tiles.iter().product::<usize>();
        let (activation, alpha) = ActivationKind::of(work.activation);
        let bounds = pool.map_or(axes, |pool| &pool.axes);
        let [plane, row, channel, image] = regions.strides();
        let [depth, height, width] = axes;
        let first_chunk = part * tile.pages as usize;
        let mut channels = [0; 4];
        let mut steps = [0; 4];
        let mut pages = Vec::new();
        for page in 0..tile.pages as usize {
            // Where there are fewer chunks than pages, the first stands for the rest.
            let chunk = Some(first_chunk + page).filter(|&chunk| chunk < regions.chunks);
            if let Some(chunk) = chunk {
                let inputs = regions.chunk.min(work.group_in - chunk * regions.chunk);
                let of_taps = work.taps() / tile.step.taps() as usize;
                channels[page] = u32_of(op, inputs)?;
                steps[page] = u32_of(op, of_taps * inputs.div_ceil(tile.step.depth() as usize))?;
            }
            let chunk = chunk.unwrap_or(first_chunk);
            let weights = 4 * packing.first(group, block, chunk) as u64;
            let input =
                (((number * work.groups + group) * regions.chunks + chunk) * regions.page(caps)) as u64;
            pages.push(Page { slot: Slot::Packed(0), offset: weights });
            pages.push(Page { slot: to.after(), offset: input });
        }
        let step = |axis: &Axis, stride: usize| axis.dilation * stride;
        let tap_step = [step(depth, plane), step(height, row), step(width, 1)];
        let tile_step = [
            tile.width as usize * width.stride,
            tile.height as usize * height.stride * row,
            depth.stride * plane,
        ];
        let [z, y, x] = region.first;
        let params = TiledParams {
            out_size: vec4(op, each(axes, |a| a.output), outputs)?,
            window: vec4(op, each(axes, |a| a.kernel), work.taps())?,
            tap_step: vec4(op, tap_step, channel)?,
            tile_step: vec4(op, tile_step, image)?,
            tiles: vec4(op, tiles, total)?,
            first: vec4(op, [x, y, z], region.first_image)?,
            out_stride: vec4(op, output.space, output.c)?,
            steps,
            channels,
            bounds: vec4(op, [bounds[2].output, bounds[1].output, height.stride * row], width.stride)?,
            out_first: u32_of(op, (group * work.group_out + first_out) * output.c)?,
            out_batch: u32_of(op, output.n)?,
            chain: (CHAIN / (tile.step.taps() * tile.step.depth())).max(1),
            positions: tile.out().iter().product(),
            bias_at: u32_of(op, packing.chunk * work.taps() * packing.lanes / 4)?,
            alpha,
            nan: f32::NAN.to_bits(),
            pad_0: 0,
        };
        let (first, last) = (part == 0, part + 1 == parts(tile, regions));
        let kernel = KernelKey::ConvTiled { tile: *tile, activation, first, last };
        let grid = grid::workgroups(op, (total as u64).div_ceil(u64::from(TILED_WORKGROUP)), caps)?;
        let why = match pool {
            None => {
                "a software adapter, which is fast with register tiles and what it reads in uniform pages"
            }
            Some(_) => {
                "a software adapter; tiles are whole pooling windows, so that the convolution is never stored"
            }
        };
        Ok(Step { pages, why, ..Step::new(kernel, &params, vec![to], grid) })
    }
}

/// Which part of the convolution a step computes.
#[derive(Clone, Copy)]
struct Place {
    /// The region, of those that were copied last.
    number: usize,
    group: usize,
    block: usize,
    part: usize,
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
