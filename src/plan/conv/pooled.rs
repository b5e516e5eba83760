//! Convolution with pooling behind it: in one kernel, or in two with the tensor between them in scratch memory.

use super::apart::fast_apart;
use super::request::Both;
use super::{direct, few_channels, gemm, register_tiles, winograd};
use crate::error::Result;
use crate::plan::candidate::{Candidate, Solution, choose};
use crate::plan::{Family, Planner, Slot, Steps, pool};
use crate::problem::ConvPoolWork;

/// What computes a convolution with pooling.
pub(in crate::plan) static TABLE: [Candidate<Both>; 7] = [
    register_tiles::POOLED,
    winograd::POOLED,
    gemm::COOPERATIVE_POOLED,
    gemm::POOLED,
    FEW_CHANNELS,
    direct::POOLED,
    TWO_KERNELS,
];

const FEW_CHANNELS: Candidate<Both> = Candidate {
    name: "conv_pool/few_channels",
    family: Family::Gpu,
    about: "small windows of few channels: an invocation computes all channels at a pooling window",
    solve: |both, p| {
        let mut solution = few_channels::with_pool(both, p)?;
        solution.cost = solution.cost.and_then(|()| fast_apart(both, p));
        Ok(solution)
    },
};

const TWO_KERNELS: Candidate<Both> = Candidate {
    name: "conv_pool/two_kernels",
    family: Family::General,
    about: "the convolution's kernel, then the pooling's, with the tensor between them in memory",
    solve: |both, p| Ok(Solution::free(|| two_kernels(both, p))),
};

fn two_kernels(both: &Both, p: &Planner) -> Result<Steps> {
    p.caps.check_tensor(p.op, &both.work.between)?;
    let mut steps = choose(&super::TABLE, &both.alone, p)?;
    steps.append(pool::steps(p, both.pool(), Slot::Scratch(0), Slot::Output(0))?);
    steps.scratch.insert(0, both.work.between.buffer_size());
    Ok(steps)
}

/// The steps of a convolution with pooling.
pub(in crate::plan) fn with_pool(p: &Planner, work: &ConvPoolWork) -> Result<Steps> {
    let both = Both::new(work);
    if p.caps.kernels.are_of_parts() { two_kernels(&both, p) } else { choose(&TABLE, &both, p) }
}
