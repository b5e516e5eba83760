//! Convolution with pooling behind it: in one kernel, or in two with the tensor between them in scratch memory.

use std::cell::OnceCell;

use super::{OUTSIDE, Request, depthwise_patch, direct, few_channels, gemm, register_tiles, winograd};
use crate::error::Result;
use crate::plan::candidate::{Candidate, Family, Verdict, choose, free};
use crate::plan::{Kernels, Planner, Slot, Steps, pool};
use crate::problem::{ConvPoolWork, ConvWork, PoolWork};

/// A convolution with pooling.
pub(in crate::plan) struct Both {
    work: ConvPoolWork,
    /// The convolution alone, into scratch memory.
    pub alone: Request,
    tiles: OnceCell<Result<register_tiles::Choice, &'static str>>,
}

impl Both {
    pub fn conv(&self) -> &ConvWork {
        &self.work.conv
    }

    pub fn pool(&self) -> &PoolWork {
        &self.work.pool
    }

    /// Whether no two windows of the pooling share elements, which one kernel would compute twice.
    pub fn apart(&self) -> Verdict {
        let overlap = self.pool().axes.iter().any(|a| a.stride < a.span() && a.output > 1);
        if overlap { Err("pooling windows overlap, so that it would be convolved twice") } else { Ok(()) }
    }

    /// Whether kernels that go through all taps may compute it.
    pub fn little_outside(&self) -> Verdict {
        let little = self.conv().little_outside() && self.pool().little_outside();
        if little { self.apart() } else { Err(OUTSIDE) }
    }

    /// The register tiles that pool what they compute.
    pub fn tiles(&self, p: &Planner) -> Result<&register_tiles::Choice, &'static str> {
        let find = || register_tiles::choose(self.conv(), Some(self.pool()), p);
        self.tiles.get_or_init(find).as_ref().map_err(|&why| why)
    }

    /// Whether the convolution alone is computed so fast by matrices, or in register tiles, that pooling may come after it.
    pub fn fast_apart(&self, p: &Planner) -> Verdict {
        let product = self.little_outside().is_ok() && gemm::profitable(self.conv(), p).is_some();
        match product || register_tiles::is_chosen(&self.alone, p) {
            true => Err("the convolution alone fills tiles, after which pooling costs less"),
            false => Ok(()),
        }
    }

    /// The same, in patches.
    pub fn patches_apart(&self, p: &Planner) -> Verdict {
        let is_chosen =
            |c: &Candidate<Request>| (c.applies)(&self.alone, p).is_ok() && (c.cost)(&self.alone, p).is_ok();
        match is_chosen(&depthwise_patch::CANDIDATE) || is_chosen(&few_channels::CANDIDATE) {
            true => Err("the convolution alone is computed in patches, after which pooling costs less"),
            false => Ok(()),
        }
    }
}

/// What computes a convolution with pooling.
pub(in crate::plan) static TABLE: [Candidate<Both>; 7] = [
    register_tiles::POOLED,
    winograd::POOLED,
    gemm::COOPERATIVE_POOLED,
    gemm::POOLED,
    few_channels::POOLED,
    direct::POOLED,
    TWO_KERNELS,
];

const TWO_KERNELS: Candidate<Both> = Candidate {
    name: "conv_pool/two_kernels",
    family: Family::General,
    about: "the convolution's kernel, then the pooling's, with the tensor between them in memory",
    applies: free,
    cost: free,
    steps: |both, p| {
        p.caps.check_tensor(p.op, &both.work.between)?;
        let mut steps = choose(&super::TABLE, &both.alone, p)?;
        steps.append(pool::steps(p, both.pool(), Slot::Scratch(0), Slot::Output(0))?);
        steps.scratch.insert(0, both.work.between.buffer_size());
        Ok(steps)
    },
};

/// The steps of a convolution with pooling.
pub(in crate::plan) fn with_pool(p: &Planner, work: &ConvPoolWork) -> Result<Steps> {
    let alone = Request::new(&work.conv, Slot::Scratch(0));
    let both = Both { work: work.clone(), alone, tiles: OnceCell::new() };
    if p.caps.kernels != Kernels::ALL && p.caps.kernels.are_of_parts() {
        return (TWO_KERNELS.steps)(&both, p);
    }
    choose(&TABLE, &both, p)
}
