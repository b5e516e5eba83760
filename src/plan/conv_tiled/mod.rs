//! Convolution on software adapters: register tiles that read regions of the input, and weights, from uniform pages.

mod steps;
mod target;

use super::Caps;
use super::packing::Packing;
use super::regions::{Regions, WORDS};
use super::tiles::{PAGES, STORED, candidates, chunks, cost, dispatches, packing, step_of};
use crate::geometry::{Axis, Strides};
use crate::kernel::{Tile, TileKeep};
use crate::problem::{ConvWork, PoolWork};
use crate::tensor::DType;
use target::{Target, is_single, plane_divisor, sums};

/// Dispatches of a convolution at most; beyond, the general kernel takes it.
const MOST_STEPS: usize = 4096;

/// The regions' copies may have so many times the elements of input and output: whole tiles and their windows' reach of
/// each.
const MOST_COPIED: usize = 32;

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
        || !work.little_outside()
        || ((outputs * work.group_in * work.taps()) as u64) < caps.tiled_from
    {
        return None;
    }
    let work = ConvWork { axes: work.axes.map(Axis::plain), ..*work };
    let work = if pool.is_some() { work } else { flattened(&work) };
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
    let elements = work.batch * (work.input.n + work.output.n);
    let fits = |(tile, regions): &(Tile, Regions)| {
        dispatches(&work, tile, regions) <= MOST_STEPS
            && regions.words(&work) <= MOST_COPIED * elements + WORDS
            && regions.bytes(&work, 1, caps) as u64 <= caps.max_binding
    };
    let costs =
        choices.filter(fits).map(|(tile, regions)| (cost(&work, &tile, rows, &regions), tile, regions));
    let (cost, tile, regions) = costs.min_by_key(|&(cost, ..)| cost)?;
    let packing = packing(&work, &tile, &regions);
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
