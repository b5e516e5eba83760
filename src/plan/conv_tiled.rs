//! Convolution on software adapters: register tiles that read regions of the input, and weights, from uniform pages.

use super::narrow::{each, u32_of, vec4};
use super::packing::Packing;
use super::regions::{Region, Regions};
use super::tiles::{PAGES, POOLS, STORED, candidates, chunks, cost, dispatches, parts, step_of};
use super::{Caps, PAGE, Page, Slot, Step, Steps, grid};
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::params::TiledParams;
use crate::kernel::{ActivationKind, KernelKey, TILED_WORKGROUP, Tile, TileKeep};
use crate::problem::{ConvWork, PoolWork};
use crate::spec::{Layout, PoolKind};
use crate::tensor::DType;

/// Dispatches of a convolution at most; beyond, the general kernel takes it.
const MOST_STEPS: usize = 4096;

/// Products that are added one after another before they go into the next level of the sum.
const CHAIN: u32 = 64;

/// Bytes of input that are copied into pages at a time.
const ROUND: usize = 16 << 20;

/// What tiles do with what they have computed.
#[derive(Clone, Copy)]
struct Target {
    keep: TileKeep,
    /// Height and width of the pooling window, or 1 and 1.
    pool: [usize; 2],
    /// Strides, and height and width, of the tensor they write.
    strides: Strides,
    bounds: [usize; 2],
    /// Where positions end that count in a mean, along height and width, and what is divided by instead, or 0.
    counted: [usize; 2],
    divisor: u32,
}

/// How a convolution is computed in tiles.
pub(super) struct Choice {
    /// The convolution, in one row where that is the same.
    work: ConvWork,
    tile: Tile,
    target: Target,
    regions: Regions,
    packing: Packing,
    /// Where tiles store sums: their mean over each plane.
    mean: Option<PoolWork>,
    /// What it costs, in multiply-adds.
    cost: u128,
}

/// The tiles and regions that cost least, with pooling behind it if the windows are whole tiles or whole planes to be averaged;
/// nothing where another kernel must do it.
pub(super) fn choose(work: &ConvWork, pool: Option<&PoolWork>, caps: &Caps) -> Option<Choice> {
    let outputs = work.batch * work.pixels() * work.out_channels();
    if !caps.paged
        || work.dtype != DType::F32
        || ((outputs * work.group_in * work.taps()) as u64) < caps.tiled_from
    {
        return None;
    }
    let work = if pool.is_some() { *work } else { flattened(work) };
    let divisor = pool.and_then(plane_divisor);
    let target = match pool {
        None => Target::of(&work.output, &work.axes, TileKeep::Each, [1, 1]),
        Some(pool) if divisor.is_some() => Target::of(&pool.output, &work.axes, TileKeep::Sum, [1, 1]),
        Some(pool) => Target::windows(pool)?,
    };
    let step = step_of(&work);
    let tiles = PAGES.into_iter().flat_map(|pages| {
        candidates(step, target.keep, target.pool[1] as u32, pages, caps.subgroups_of_eight)
    });
    let rows = target.pool[0];
    let choices = tiles.flat_map(|tile| {
        let regions = move |chunk| Regions::all(&work, [rows, tile.width as usize], chunk);
        chunks(&work, tile).into_iter().flat_map(regions).map(move |regions| (tile, regions))
    });
    let fits = |(tile, regions): &(Tile, Regions)| {
        dispatches(&work, tile, regions) <= MOST_STEPS
            && regions.bytes(&work, 1, caps) as u64 <= caps.max_binding
    };
    let costs =
        choices.filter(fits).map(|(tile, regions)| (cost(&work, &tile, rows, &regions), tile, regions));
    let (cost, tile, regions) = costs.min_by_key(|&(cost, ..)| cost)?;
    let packing = Packing::new(&work, tile.channels as usize, regions.chunk);
    let mean = pool.zip(divisor).map(|(pool, divisor)| sums(pool, &work, &tile, divisor));
    let target = match &mean {
        None => target,
        Some(mean) => {
            Target { strides: mean.input, bounds: [mean.axes[1].input, mean.axes[2].input], ..target }
        }
    };
    Some(Choice { work, tile, target, regions, packing, mean, cost })
}

/// The same with pooling, where that costs less than computing the convolution `apart`, storing it and reading it again.
pub(super) fn choose_pooled(work: &ConvWork, pool: &PoolWork, apart: &Choice, caps: &Caps) -> Option<Choice> {
    let pooled = choose(work, Some(pool), caps)?;
    let stored = (STORED * work.batch * work.pixels() * work.out_channels()) as u128;
    (pooled.cost <= apart.cost + stored).then_some(pooled)
}

impl Target {
    fn of(strides: &Strides, axes: &[Axis; 3], keep: TileKeep, pool: [usize; 2]) -> Target {
        let bounds = [axes[1].output, axes[2].output];
        Target { keep, pool, strides: *strides, bounds, counted: bounds, divisor: 0 }
    }

    /// Pooling windows that tiles can hold: side by side, without padding before them.
    fn windows(pool: &PoolWork) -> Option<Target> {
        let [d, h, w] = &pool.axes;
        let side_by_side = |a: &Axis| {
            a.stride == a.kernel
                && a.dilation == 1
                && a.pad_before == 0
                && !a.adaptive
                && (a.output - 1) * a.stride < a.input
        };
        let tiles = side_by_side(w) && POOLS.iter().any(|&width| width as usize == w.kernel);
        if !is_single(d) || !side_by_side(h) || !tiles {
            return None;
        }
        let keep = match pool.kind {
            PoolKind::Max if pool.indices.is_none() => TileKeep::Max,
            PoolKind::Average { .. } => TileKeep::Mean,
            _ => return None,
        };
        let ends = |a: &Axis| match pool.kind {
            PoolKind::Average { count_include_pad: true, .. } => a.input + a.pad_after,
            _ => a.input,
        };
        let divisor = super::pool::divisor(pool);
        let target = Target::of(&pool.output, &pool.axes, keep, [h.kernel, w.kernel]);
        Some(Target { counted: [ends(h), ends(w)], divisor, ..target })
    }
}

/// What the sum over a plane is divided by, if pooling is the mean of whole planes.
fn plane_divisor(pool: &PoolWork) -> Option<u32> {
    let PoolKind::Average { count_include_pad, divisor } = pool.kind else { return None };
    let whole = |a: &Axis| {
        a.output == 1 && a.pad_before == 0 && a.dilation == 1 && !a.adaptive && a.kernel >= a.input
    };
    let ends = |a: &Axis| if count_include_pad { a.kernel.min(a.input + a.pad_after) } else { a.input };
    let count = u32::try_from(pool.axes.iter().map(ends).product::<usize>()).ok()?;
    pool.axes.iter().all(whole).then_some(divisor.unwrap_or(count))
}

/// The mean of the sums that tiles store of their rows.
fn sums(pool: &PoolWork, work: &ConvWork, tile: &Tile, divisor: u32) -> PoolWork {
    let [depth, height, width] = each(&work.axes, |a| a.output);
    let space = [depth, height, width.div_ceil(tile.width as usize)];
    PoolWork {
        kind: PoolKind::Average { count_include_pad: false, divisor: Some(divisor) },
        axes: space.map(|length| Axis { input: length, kernel: length, output: 1, ..Axis::UNIT }),
        input: Strides::of(Layout::Nchw, pool.channels, space),
        ..*pool
    }
}

impl Choice {
    /// The steps that convolve into `to`, with pooling if there is some. They leave out what weights that are not finite make
    /// of the padding.
    pub fn steps(&self, op: &'static str, caps: &Caps, to: Slot) -> Result<Steps> {
        let Some(mean) = &self.mean else { return self.convolve(op, caps, to) };
        let sums = to.after();
        let mut all = self.convolve(op, caps, sums)?;
        all.steps.extend(super::pool::steps(op, mean, caps, sums, to)?);
        all.scratch.insert(0, 4 * (mean.batch * mean.input.n) as u64);
        Ok(all)
    }

    fn convolve(&self, op: &'static str, caps: &Caps, to: Slot) -> Result<Steps> {
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
        let Choice { work, tile, regions, packing, target, .. } = self;
        let Place { number, group, block, part } = place;
        let axes = &work.axes;
        let first_out = block * packing.lanes;
        let outputs = packing.lanes.min(work.group_out - first_out);
        let [z, y, x] = region.count;
        let tiles = [x.div_ceil(tile.width as usize), y.div_ceil(target.pool[0]), z];
        let total = region.images * tiles.iter().product::<usize>();
        let (activation, alpha) = ActivationKind::of(work.activation);
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
        let tile_step =
            [tile.width as usize * width.stride, target.pool[0] * height.stride * row, depth.stride * plane];
        let [z, y, x] = region.first;
        let params = TiledParams {
            out_size: vec4(op, each(axes, |a| a.output), outputs)?,
            window: vec4(op, each(axes, |a| a.kernel), work.taps())?,
            tap_step: vec4(op, tap_step, channel)?,
            tile_step: vec4(op, tile_step, image)?,
            tiles: vec4(op, tiles, total)?,
            first: vec4(op, [x, y, z], region.first_image)?,
            out_stride: vec4(op, target.strides.space, target.strides.c)?,
            steps,
            channels,
            steps_along: [u32_of(op, width.stride)?, u32_of(op, height.stride * row)?],
            bounds: [u32_of(op, target.bounds[1])?, u32_of(op, target.bounds[0])?],
            pool: vec4(op, [target.pool[0], target.counted[0], target.counted[1]], target.divisor as usize)?,
            out_first: u32_of(op, (group * work.group_out + first_out) * target.strides.c)?,
            out_batch: u32_of(op, target.strides.n)?,
            chain: (CHAIN / (tile.step.taps() * tile.step.depth())).max(1),
            positions: tile.out(),
            bias_at: u32_of(op, packing.chunk * work.taps() * packing.lanes / 4)?,
            alpha,
            nan: f32::NAN.to_bits(),
            pad_0: 0,
        };
        let (first, last) = (part == 0, part + 1 == parts(tile, regions));
        let kernel = KernelKey::ConvTiled { tile: *tile, activation, first, last };
        let grid = grid::workgroups(op, (total as u64).div_ceil(u64::from(TILED_WORKGROUP)), caps)?;
        let why = match tile.keep {
            TileKeep::Each => {
                "a software adapter, which is fast with register tiles and what it reads in uniform pages"
            }
            TileKeep::Sum => {
                "a software adapter; tiles store sums for the mean, so that the convolution is never stored"
            }
            TileKeep::Max | TileKeep::Mean => {
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

/// Whether windows are the elements themselves.
fn is_single(axis: &Axis) -> bool {
    *axis == Axis::elements(axis.input)
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
    let mut flat = ConvWork { axes: [Axis::UNIT, Axis::UNIT, Axis::elements(pixels)], ..*work };
    if pixels == 1 {
        // Dense layers: the rows of the batch are the positions.
        flat.input.space[2] = work.input.n;
        flat.output.space[2] = work.output.n;
        flat.axes[2] = Axis::elements(work.batch);
        flat.batch = 1;
    } else if work.input.n == pixels * work.input.space[2] && work.output.n == pixels * work.output.space[2] {
        flat.axes[2] = Axis::elements(pixels * work.batch);
        flat.batch = 1;
    }
    flat
}
