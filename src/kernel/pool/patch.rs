//! `pool/patch.wgsl`: pooling, an output tile (patch) an invocation.

use crate::kernel::common::*;
use crate::kernel::patch::{Patch, of_windows};

/// Sliding-window pooling of output tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolPatch {
    /// What is computed of each window.
    pub reduce: Reduce,
    /// What an invocation computes.
    pub patch: Patch,
}

impl Kernel for PoolPatch {
    fn row(&self) -> Row {
        // The sign of a largest zero is the first one's, as it need not be where sums are pooled.
        let first = match self.reduce {
            Reduce::Max => shader!("lib/patch_first.wgsl"),
            _ => shader!("lib/patch_any.wgsl"),
        };
        let own = [of_windows(self.reduce), &[first, EACH, shader!("pool/patch.wgsl")]].concat();
        self.patch.row(&own, (1, 1)).with("REDUCE", self.reduce as u32)
    }

    fn every() -> Vec<PoolPatch> {
        let of = |(reduce, patch)| PoolPatch { reduce, patch };
        pairs([Reduce::Max, Reduce::Average], Patch::kinds()).map(of).collect()
    }
}
