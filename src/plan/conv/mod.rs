//! Convolution, with and without pooling, and dense layers: what competes for them.

mod apart;
pub(super) mod causal;
pub(super) mod channel_splits;
pub(super) mod deform;
mod dense;
mod depthwise_patch;
pub(super) mod direct;
pub(super) mod epilogue;
mod few_channels;
mod gemm;
pub(super) mod integer;
mod nested;
pub(super) mod params;
mod pooled;
mod register_tiles;
mod request;
mod slots;
pub(super) mod transposed;
mod winograd;

pub(super) use pooled::{TABLE as POOLED, with_pool};

use super::candidate::{Candidate, choose};
use super::{Planner, Slot, Steps};
use crate::error::Result;
use crate::problem::ConvWork;
use request::Request;

/// What computes a convolution.
pub(super) static TABLE: [Candidate<Request>; 8] = [
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
