//! Convolution on software adapters: register tiles that read regions of the input, and weights, from uniform pages.

pub(super) mod choice;
mod cost;
mod packing;
mod regions;
mod steps;
mod target;

use super::request::{Both, OUTSIDE, Request};
use super::{depthwise_patch, few_channels};
use crate::dtype::DType;
use crate::error::Result;
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::planner::Verdict;
use crate::plan::{Family, Planner, Slot, Steps};
use crate::problem::ConvWork;
use choice::Choice;
use cost::STORED;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/register_tiles",
    family: Family::SoftwareAdapter,
    about: "positions by output channels in registers, with regions of the input read through uniform bindings",
    solve: |request, p| {
        can(&request.work, p)?;
        let pays = pays(&request.work, p);
        if pays.is_ok() || p.caps.kernels.only().is_some() {
            request.tiles(p)?;
        }
        let cost = pays.and_then(|()| in_patches(request, p));
        Ok(Solution::new(cost, || steps(request.tiles(p), p, CANDIDATE.name, request.to)))
    },
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/register_tiles",
    family: Family::SoftwareAdapter,
    about: "register tiles that are whole pooling windows, or whose sums average planes",
    solve: |both, p| {
        both.apart()?;
        can(both.conv(), p)?;
        if pays(both.conv(), p).is_ok() || p.caps.kernels.only().is_some() {
            both.tiles(p)?;
        }
        Ok(Solution::new(together(both, p), || steps(both.tiles(p), p, POOLED.name, Slot::Output(0))))
    },
};

/// Whether tiles that pool cost less than pooling after the convolution.
fn together(both: &Both, p: &Planner) -> Verdict {
    let work = both.conv();
    pays(work, p)?;
    if p.caps.fast_storage_loads && few_channels::with_pool(both, p).is_ok_and(|s| s.pays()) {
        return Err(FAST_PATCHES);
    }
    let stored = (STORED * work.batch * work.pixels() * work.out_channels()) as u128;
    match both.tiles(p)?.cost <= both.alone.tiles(p)?.cost + stored {
        true => Ok(()),
        false => Err("pooling after the convolution costs less than tiles that are pooling windows"),
    }
}

/// The steps of these tiles. Where they are too few to be taken unasked, it is not known before whether there are any.
fn steps(tiles: Result<&Choice, &str>, p: &Planner, name: &str, to: Slot) -> Result<Steps> {
    tiles.map_err(|why| p.refused(name, why))?.steps(p, to)
}

/// Whether they compute a convolution by itself, wherever nothing comes before them.
pub(super) fn is_chosen(request: &Request, p: &Planner) -> bool {
    can(&request.work, p).is_ok()
        && pays(&request.work, p).is_ok()
        && in_patches(request, p).is_ok()
        && request.tiles(p).is_ok()
}

/// Why patches are computed instead.
const FAST_PATCHES: &str = "few channels, and loads from storage are fast, so that patches are faster";
const DEPTHWISE: &str = "channels are convolved by themselves, and patches are faster";

/// Whether patches are slower.
fn in_patches(request: &Request, p: &Planner) -> Verdict {
    let by_itself = request.work.group_out == 1 || p.caps.fast_storage_loads;
    if by_itself && depthwise_patch::CANDIDATE.is_profitable(request, p) {
        return Err(DEPTHWISE);
    }
    match p.caps.fast_storage_loads && few_channels::CANDIDATE.is_profitable(request, p) {
        true => Err(FAST_PATCHES),
        false => Ok(()),
    }
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
    match work.macs() < p.caps.min_macs_for_tiles {
        true => Err("building the pipeline of a tile costs more than so little arithmetic"),
        false => Ok(()),
    }
}
