//! Convolution as a product of matrices, on GPUs, with and without cooperative matrices.

use super::request::{Both, Request};
use super::slots::weight_slots;
use crate::error::Result;
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::gemm::{self, Choice, Gemm, Operands, choose, choose_cooperative};
use crate::plan::planner::Verdict;
use crate::plan::{Family, Planner, Slot, Steps};
use crate::problem::ConvWork;

pub(super) const COOPERATIVE: Candidate<Request> = Candidate {
    name: "conv/cooperative",
    family: Family::Gpu,
    about: "f16 with channels and positions that fill tiles, multiplied by cooperative matrices",
    solve: |request, p| alone(request, choose_cooperative, p),
};

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/gemm",
    family: Family::Gpu,
    about: "channels and positions that fill tiles: a workgroup multiplies matrices, in parts of long sums where tiles are few",
    solve: |request, p| alone(request, choose, p),
};

pub(super) const COOPERATIVE_POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/cooperative",
    family: Family::Gpu,
    about: "the product by cooperative matrices, in tiles that hold whole pooling windows",
    solve: |both, p| together(both, choose_cooperative, p),
};

pub(super) const POOLED: Candidate<Both> = Candidate {
    name: "conv_pool/gemm",
    family: Family::Gpu,
    about: "the product of matrices, in tiles that hold whole pooling windows",
    solve: |both, p| {
        let mut solution = together(both, choose, p)?;
        let gemm = Gemm::of_windows(both.conv(), Some(both.pool()));
        if choose_cooperative(&gemm, p).is_ok_and(|choice| choice.tiled.full) {
            solution.cost = Err("cooperative matrices are predicted to be faster");
        }
        Ok(solution)
    },
};

/// How tiles are chosen.
type Choose = fn(&Gemm, &Planner) -> Result<Choice, &'static str>;

/// A convolution by itself.
fn alone<'a>(request: &'a Request, choose: Choose, p: &'a Planner) -> Result<Solution<'a>, &'static str> {
    request.little_outside()?;
    let gemm = Gemm::of_windows(&request.work, None);
    let choice = choose(&gemm, p)?;
    let cost = p.on_gpu().and_then(|()| choice.cost());
    Ok(Solution::new(cost, move || steps(p, &request.work, &gemm, &choice, request.to)))
}

/// The same with pooling.
fn together<'a>(both: &'a Both, choose: Choose, p: &'a Planner) -> Result<Solution<'a>, &'static str> {
    both.little_outside()?;
    let gemm = Gemm::of_windows(both.conv(), Some(both.pool()));
    let why = "tiles hold whole pooling windows, so that the convolution is never stored";
    let choice = Choice { why, ..choose(&gemm, p)? };
    let steps = move || steps(p, both.conv(), &gemm, &choice, Slot::Output(0));
    Ok(Solution::new(cost(both, &choice, p), steps))
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

/// Weights are packed once; then they are multiplied by what windows read.
fn steps(p: &Planner, work: &ConvWork, gemm: &Gemm, choice: &Choice, to: Slot) -> Result<Steps> {
    let [_, bias] = weight_slots(work);
    let at = Operands { weights: Slot::Packed(0), data: Slot::Input(0), bias, result: to };
    let mut steps = gemm::steps(p, gemm, choice, &at)?;
    steps.steps.insert(0, gemm::pack(p, gemm, choice)?);
    steps.packed.push(gemm::packed_size(gemm, &choice.tiled));
    Ok(steps)
}
