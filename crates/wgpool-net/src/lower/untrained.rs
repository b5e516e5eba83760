//! Lowering where nothing is trained: what `training.rs` has with that feature.

use super::Lowering;
use crate::layer::Layer;
use wgpool::error::Result;

impl Lowering<'_> {
    /// Weights stay what they are.
    pub(super) fn freeze(&mut self, _: bool) -> bool {
        true
    }

    pub(super) fn thaw(&mut self, _: bool) {}

    /// No weight is an input.
    pub(super) fn is_trained(&self) -> bool {
        false
    }

    /// Nothing is dropped outside training.
    pub(super) fn dropout(&mut self, _: &Layer) -> Result<()> {
        Ok(())
    }
}
