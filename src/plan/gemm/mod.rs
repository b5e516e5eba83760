//! Products of matrices, which GPUs compute in tiles: weights by what windows read of the input.

mod choice;
mod pack;
mod rows;
mod steps;
#[cfg(test)]
mod tests;

pub(super) use choice::{Choice, choose, choose_cooperative};
pub(super) use pack::pack_for;
pub(super) use steps::steps;
