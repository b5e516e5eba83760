//! Products of matrices, which GPUs compute in tiles: of convolutions, dense layers and Winograd's algorithm.

mod choice;
mod pack;
mod problem;
mod rows;
mod steps;
#[cfg(test)]
mod tests;

pub(super) use choice::{Choice, choose, choose_cooperative, packed_size};
pub(super) use pack::{pack, pack_for};
pub(super) use problem::{Gemm, Operands};
pub(super) use steps::steps;
