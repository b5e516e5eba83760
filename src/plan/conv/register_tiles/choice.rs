//! Which tiles and regions compute a convolution.

use super::cost::{chunks, cost, dispatches, packing, step_of};
use super::packing::Packing;
use super::regions::{Regions, WORDS};
use super::target::{Target, is_single, plane_divisor, sums};
use crate::geometry::{Axis, Strides};
use crate::kernel::{Tile, TileKeep};
use crate::plan::Planner;
use crate::problem::{ConvWork, PoolWork};

/// Dispatches of a convolution at most; beyond, the general kernel takes it.
const MOST_STEPS: usize = 4096;

/// The regions' copies may have so many times the elements of input and output: whole tiles and their windows' reach of
/// each.
const MOST_COPIED: usize = 32;

/// How a convolution is computed in tiles.
pub(in crate::plan) struct Choice {
    /// The convolution, in one row where that is the same.
    pub(super) work: ConvWork,
    pub(super) tile: Tile,
    pub(super) target: Target,
    pub(super) regions: Regions,
    pub(super) packing: Packing,
    /// Where tiles store sums: their mean over each plane.
    pub(super) mean: Option<PoolWork>,
    /// What it costs, in multiply-adds.
    pub cost: u128,
}

/// The tiles and regions that cost least, with pooling behind it if the windows are whole tiles or whole planes to be averaged;
/// else why there are none.
pub(in crate::plan::conv) fn choose(
    work: &ConvWork,
    pool: Option<&PoolWork>,
    p: &Planner,
) -> Result<Choice, &'static str> {
    let work = ConvWork { axes: work.axes.map(Axis::plain), ..*work };
    let work = if pool.is_some() { work } else { flattened(&work) };
    let divisor = pool.and_then(plane_divisor);
    let target = match pool {
        None => Target::of(&work.output, &work.axes, TileKeep::Each, [1, 1]),
        Some(pool) if divisor.is_some() => Target::of(&pool.output, &work.axes, TileKeep::Sum, [1, 1]),
        Some(pool) => Target::windows(pool).ok_or("pooling windows are no whole tiles or planes")?,
    };
    let step = step_of(&work);
    let tiles = Tile::PAGES.into_iter().flat_map(|pages| {
        Tile::of_step(step, target.keep, target.pool[1] as u32, pages, p.caps.subgroups_of_eight)
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
            && regions.bytes(&work, 1, p) as u64 <= p.caps.max_binding
    };
    let costs =
        choices.filter(fits).map(|(tile, regions)| (cost(&work, &tile, rows, &regions), tile, regions));
    let best = costs.min_by_key(|&(cost, ..)| cost);
    let (cost, tile, regions) = best.ok_or("no tile reads its input and weights through uniform bindings")?;
    let packing = packing(&work, &tile, &regions);
    let mean = pool.zip(divisor).map(|(pool, divisor)| sums(pool, &work, &tile, divisor));
    let target = match &mean {
        None => target,
        Some(mean) => {
            Target { strides: mean.input, bounds: [mean.axes[1].input, mean.axes[2].input], ..target }
        }
    };
    Ok(Choice { work, tile, target, regions, packing, mean, cost })
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
