//! Convolution as a product of matrices, on GPUs, with and without cooperative matrices.

use super::pooled::Both;
use super::{OUTSIDE, Request, weight_slots};
use crate::error::Result;
use crate::plan::candidate::{Candidate, Family, Verdict};
use crate::plan::gemm::{self, Choice, Gemm, Operands, choose, choose_cooperative};
use crate::plan::{Planner, Slot, Steps};
use crate::problem::{ConvWork, PoolWork};

pub(super) const COOPERATIVE: Candidate<Request> = Candidate {
    name: "conv/cooperative",
    family: Family::Gpu,
    about: "f16 with channels and positions that fill tiles, multiplied by cooperative matrices",
    applies: |request, p| choose_cooperative(&alone(request)?, p).map(|_| ()),
    cost: |request, p| p.on_gpu().and_then(|()| choose_cooperative(&alone(request)?, p)?.cost()),
    steps: |request, p| {
        let choice = choose_cooperative(&Gemm::of_windows(&request.work, None), p);
        steps(p, &request.work, None, choice.map_err(|why| p.refused(COOPERATIVE.name, why))?, request.to)
    },
};

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/gemm",
    family: Family::Gpu,
    about: "channels and positions that fill tiles: a workgroup multiplies matrices, in parts of long sums where tiles are few",
    applies: |request, p| choose(&alone(request)?, p).map(|_| ()),
    cost: |request, p| p.on_gpu().and_then(|()| choose(&alone(request)?, p)?.cost()),
    steps: |request, p| {
        let choice = choose(&Gemm::of_windows(&request.work, None), p);
        steps(p, &request.work, None, choice.map_err(|why| p.refused(CANDIDATE.name, why))?, request.to)
    },
};

pub(super) const COOPERATIVE_POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/cooperative",
    family: Family::Gpu,
    about: "the product by cooperative matrices, in tiles that hold whole pooling windows",
    applies: |both, p| choose_cooperative(&together(both)?, p).map(|_| ()),
    cost: |both, p| cost(both, &choose_cooperative(&together(both)?, p)?, p),
    steps: |both, p| {
        let gemm = Gemm::of_windows(both.conv(), Some(both.pool()));
        pooled(p, both, choose_cooperative(&gemm, p).map_err(|why| p.refused(COOPERATIVE_POOLED.name, why))?)
    },
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/gemm",
    family: Family::Gpu,
    about: "the product of matrices, in tiles that hold whole pooling windows",
    applies: |both, p| choose(&together(both)?, p).map(|_| ()),
    cost: |both, p| {
        if choose_cooperative(&together(both)?, p).is_ok_and(|choice| choice.tiled.full) {
            return Err("cooperative matrices are predicted to be faster");
        }
        cost(both, &choose(&together(both)?, p)?, p)
    },
    steps: |both, p| {
        let gemm = Gemm::of_windows(both.conv(), Some(both.pool()));
        pooled(p, both, choose(&gemm, p).map_err(|why| p.refused(POOLED.name, why))?)
    },
};

/// The product that a convolution by itself is, if little of it would be multiplied by padding.
fn alone(request: &Request) -> Result<Gemm, &'static str> {
    if request.work.little_outside() { Ok(Gemm::of_windows(&request.work, None)) } else { Err(OUTSIDE) }
}

/// The same with pooling.
fn together(both: &Both) -> Result<Gemm, &'static str> {
    both.little_outside().map(|()| Gemm::of_windows(both.conv(), Some(both.pool())))
}

/// The product that computes a convolution by itself, where it pays.
pub(super) fn profitable(work: &ConvWork, p: &Planner) -> Option<Choice> {
    p.on_gpu().ok()?;
    let (gemm, pays) = (Gemm::of_windows(work, None), |choice: &Choice| choice.cost().is_ok());
    choose_cooperative(&gemm, p).ok().filter(pays).or_else(|| choose(&gemm, p).ok().filter(pays))
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

fn pooled(p: &Planner, both: &Both, choice: Choice) -> Result<Steps> {
    let why = "tiles hold whole pooling windows, so that the convolution is never stored";
    steps(p, both.conv(), Some(both.pool()), Choice { why, ..choice }, Slot::Output(0))
}

/// Weights are packed once; then they are multiplied by what windows read.
fn steps(p: &Planner, work: &ConvWork, pool: Option<&PoolWork>, choice: Choice, to: Slot) -> Result<Steps> {
    let gemm = Gemm::of_windows(work, pool);
    let [_, bias] = weight_slots(work);
    let at = Operands { weights: Slot::Packed(0), data: Slot::Input(0), bias, result: to };
    let mut steps = gemm::steps(p, &gemm, &choice, &at)?;
    steps.steps.insert(0, gemm::pack(p, &gemm, &choice)?);
    steps.packed.push(gemm::packed_size(&gemm, &choice.tiled));
    Ok(steps)
}
