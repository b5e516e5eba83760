//! Convolution, with and without pooling, and dense layers: what competes for them.

pub(super) mod causal;
pub(super) mod channel_splits;
pub(super) mod deform;
mod dense;
mod depthwise_patch;
mod depthwise_uniform;
pub(super) mod direct;
mod few_channels;
mod gemm;
pub(super) mod integer;
mod nested;
pub(super) mod params;
mod pooled;
mod register_tiles;
mod winograd;

pub(super) use pooled::{TABLE as POOLED, with_pool};

use std::cell::OnceCell;

use super::candidate::{Candidate, choose};
use super::{Planner, Slot, Steps};
use crate::error::Result;
use crate::problem::ConvWork;

/// Why kernels that go through all taps do not apply.
const OUTSIDE: &str = "most of what its windows cover lies outside the input";

/// A convolution, and the tensor that it writes.
pub(super) struct Request {
    pub work: ConvWork,
    pub to: Slot,
    /// The register tiles, which take long to find.
    tiles: OnceCell<Result<register_tiles::Choice, &'static str>>,
}

impl Request {
    pub fn new(work: &ConvWork, to: Slot) -> Request {
        Request { work: *work, to, tiles: OnceCell::new() }
    }

    fn tiles(&self, p: &Planner) -> Result<&register_tiles::Choice, &'static str> {
        self.tiles.get_or_init(|| register_tiles::choose(&self.work, None, p)).as_ref().map_err(|&why| why)
    }
}

/// What computes a convolution.
pub(super) static TABLE: [Candidate<Request>; 9] = [
    depthwise_uniform::CANDIDATE,
    register_tiles::CANDIDATE,
    dense::CANDIDATE,
    winograd::CANDIDATE,
    gemm::COOPERATIVE,
    gemm::CANDIDATE,
    depthwise_patch::CANDIDATE,
    few_channels::CANDIDATE,
    direct::CANDIDATE,
];

/// The steps of a convolution.
pub(super) fn steps(p: &Planner, work: &ConvWork, to: Slot) -> Result<Steps> {
    choose(&TABLE, &Request::new(work, to), p)
}

/// Kernel and bias. A binding must hold something: without a bias it is the kernel once more, and not read.
pub(super) fn weight_slots(work: &ConvWork) -> [Slot; 2] {
    [Slot::Input(1), if work.bias { Slot::Input(2) } else { Slot::Input(1) }]
}
