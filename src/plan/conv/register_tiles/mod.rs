//! Convolution on software adapters: register tiles that read regions of the input, and weights, from uniform pages.

mod cost;
mod packing;
mod regions;
mod steps;
mod target;

use super::pooled::Both;
use super::{OUTSIDE, Request, depthwise_uniform};
use crate::dtype::DType;
use crate::geometry::{Axis, Strides};
use crate::kernel::{Tile, TileKeep};
use crate::plan::candidate::{Candidate, Family, Verdict};
use crate::plan::{Kernels, Planner, Slot};
use crate::problem::{ConvWork, PoolWork};
use cost::{STORED, chunks, cost, dispatches, packing, step_of};
use packing::Packing;
use regions::{Regions, WORDS};
use target::{Target, is_single, plane_divisor, sums};

/// Dispatches of a convolution at most; beyond, the general kernel takes it.
const MOST_STEPS: usize = 4096;

/// The regions' copies may have so many times the elements of input and output: whole tiles and their windows' reach of
/// each.
const MOST_COPIED: usize = 32;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/register_tiles",
    family: Family::SoftwareAdapter,
    about: "positions by output channels in registers, with regions of the input read through uniform bindings",
    applies: |request, p| {
        can(&request.work, p)?;
        // Where tiles are few, whether they fit need not be known.
        let few = p.caps.kernels == Kernels::ALL && pays(&request.work, p).is_err();
        if few { Ok(()) } else { request.tiles(p).map(|_| ()) }
    },
    cost: |request, p| pays(&request.work, p).and_then(|()| depthwise_uniform::in_patches(request, p)),
    steps: |request, p| {
        let tiles = request.tiles(p).map_err(|why| p.refused(CANDIDATE.name, why))?;
        tiles.steps(p, request.to)
    },
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/register_tiles",
    family: Family::SoftwareAdapter,
    about: "register tiles that are whole pooling windows, or whose sums average planes",
    applies: |both, p| {
        both.apart()?;
        can(both.conv(), p)?;
        let few = p.caps.kernels == Kernels::ALL && pays(both.conv(), p).is_err();
        if few { Ok(()) } else { both.tiles(p).map(|_| ()) }
    },
    cost: |both, p| {
        pays(both.conv(), p)?;
        let work = both.conv();
        let stored = (STORED * work.batch * work.pixels() * work.out_channels()) as u128;
        match both.tiles(p)?.cost <= both.alone.tiles(p)?.cost + stored {
            true => Ok(()),
            false => Err("pooling after the convolution costs less than tiles that are pooling windows"),
        }
    },
    steps: |both, p| {
        let tiles = both.tiles(p).map_err(|why| p.refused(POOLED.name, why))?;
        tiles.steps(p, Slot::Output(0))
    },
};

/// Whether they compute a convolution by itself, wherever nothing comes before them.
pub(super) fn is_chosen(request: &Request, p: &Planner) -> bool {
    can(&request.work, p).is_ok() && pays(&request.work, p).is_ok() && request.tiles(p).is_ok()
}

/// Whether device and work are such that tiles may be looked for.
fn can(work: &ConvWork, p: &Planner) -> Verdict {
    p.paged()?;
    match (work.dtype, work.little_outside()) {
        (DType::F32, true) => Ok(()),
        (DType::F32, false) => Err(OUTSIDE),
        _ => Err("elements are not f32"),
    }
}

/// Whether there is enough to compute.
fn pays(work: &ConvWork, p: &Planner) -> Verdict {
    let outputs = work.batch * work.pixels() * work.out_channels();
    match ((outputs * work.group_in * work.taps()) as u64) < p.caps.min_macs_for_tiles {
        true => Err("building the pipeline of a tile costs more than so little arithmetic"),
        false => Ok(()),
    }
}

/// How a convolution is computed in tiles.
pub(in crate::plan) struct Choice {
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
/// else why there are none.
pub(super) fn choose(work: &ConvWork, pool: Option<&PoolWork>, p: &Planner) -> Result<Choice, &'static str> {
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
