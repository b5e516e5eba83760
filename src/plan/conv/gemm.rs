//! Convolution as a product of matrices, on GPUs, with and without cooperative matrices.

use super::pooled::Both;
use super::{OUTSIDE, Request};
use crate::plan::candidate::{Candidate, Family, Verdict};
use crate::plan::gemm::{self, Choice, choose, choose_cooperative};
use crate::plan::{Planner, Slot};
use crate::problem::ConvWork;

pub(super) const COOPERATIVE: Candidate<Request> = Candidate {
    name: "conv/cooperative",
    family: Family::Gpu,
    about: "f16 with channels and positions that fill tiles, multiplied by cooperative matrices",
    applies: |request, p| {
        little_outside(request).and_then(|()| choose_cooperative(&request.work, None, p)).map(|_| ())
    },
    cost: |request, p| p.on_gpu().and_then(|()| choose_cooperative(&request.work, None, p)?.cost()),
    steps: |Request { work, to, .. }, p| {
        let choice = choose_cooperative(work, None, p).map_err(|why| p.refused(COOPERATIVE.name, why))?;
        gemm::steps(p, work, None, &choice, *to)
    },
};

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/gemm",
    family: Family::Gpu,
    about: "channels and positions that fill tiles: a workgroup multiplies matrices, in parts of long sums where tiles are few",
    applies: |request, p| little_outside(request).and_then(|()| choose(&request.work, None, p)).map(|_| ()),
    cost: |request, p| p.on_gpu().and_then(|()| choose(&request.work, None, p)?.cost()),
    steps: |Request { work, to, .. }, p| {
        let choice = choose(work, None, p).map_err(|why| p.refused(CANDIDATE.name, why))?;
        gemm::steps(p, work, None, &choice, *to)
    },
};

pub(super) const COOPERATIVE_POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/cooperative",
    family: Family::Gpu,
    about: "the same where tiles hold whole pooling windows",
    applies: |both, p| {
        both.little_outside()?;
        choose_cooperative(both.conv(), Some(both.pool()), p).map(|_| ())
    },
    cost: |both, p| cost(both, &choose_cooperative(both.conv(), Some(both.pool()), p)?, p),
    steps: |both, p| {
        let choice = choose_cooperative(both.conv(), Some(both.pool()), p);
        steps(both, choice.map_err(|why| p.refused(COOPERATIVE_POOLED.name, why))?, p)
    },
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/gemm",
    family: Family::Gpu,
    about: "the same where tiles hold whole pooling windows",
    applies: |both, p| {
        both.little_outside()?;
        choose(both.conv(), Some(both.pool()), p).map(|_| ())
    },
    cost: |both, p| {
        if choose_cooperative(both.conv(), Some(both.pool()), p).is_ok_and(|choice| choice.tiled.full) {
            return Err("cooperative matrices are predicted to be faster");
        }
        cost(both, &choose(both.conv(), Some(both.pool()), p)?, p)
    },
    steps: |both, p| {
        let choice = choose(both.conv(), Some(both.pool()), p);
        steps(both, choice.map_err(|why| p.refused(POOLED.name, why))?, p)
    },
};

fn little_outside(request: &Request) -> Verdict {
    if request.work.little_outside() { Ok(()) } else { Err(OUTSIDE) }
}

/// The product that computes a convolution by itself, where it pays.
pub(super) fn profitable(work: &ConvWork, p: &Planner) -> Option<Choice> {
    p.on_gpu().ok()?;
    let pays = |choice: &Choice| choice.cost().is_ok();
    choose_cooperative(work, None, p).ok().filter(pays).or_else(|| choose(work, None, p).ok().filter(pays))
}

/// Pooling in the tiles pays where these are filled as the convolution's own are, and sums need not be divided.
fn cost(both: &Both, together: &Choice, p: &Planner) -> Verdict {
    p.on_gpu()?;
    together.cost()?;
    let alone =
        profitable(both.conv(), p).ok_or("tiles of the convolution alone would be more than half empty")?;
    let most = alone.tiled.products + alone.tiled.products / 4;
    match alone.parts == 1 && together.tiled.products <= most {
        true => Ok(()),
        false => {
            Err("the convolution alone fills tiles better, or divides its sums, and pooling comes after it")
        }
    }
}

fn steps(both: &Both, choice: Choice, p: &Planner) -> crate::error::Result<crate::plan::Steps> {
    let why = "tiles hold whole pooling windows, so that the convolution is never stored";
    gemm::steps(p, both.conv(), Some(both.pool()), &Choice { why, ..choice }, Slot::Output(0))
}
