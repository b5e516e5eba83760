//! `gradient/dropout.wgsl`: masks of dropout.

use crate::kernel::common::*;

/// A mask of dropout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DropoutMask;

impl Kernel for DropoutMask {
    fn row(&self) -> Row {
        plain(DropoutParams::BLOCK, &[EACH, shader!("gradient/dropout.wgsl")], (1, 1))
    }

    fn every() -> Vec<DropoutMask> {
        vec![DropoutMask]
    }
}

uniform! {
    /// Parameters of `gradient/dropout.wgsl`.
    DropoutParams {
        /// Words below it drop.
        dropped: u32,
        /// What other elements are.
        kept: f32,
        /// Of the mask.
        elements: u32,
        /// Fours of them.
        total: u32,
    }
}
