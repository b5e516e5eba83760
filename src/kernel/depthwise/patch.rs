//! `depthwise/patch.wgsl`: depthwise convolution, an output tile (patch) an invocation.

use crate::kernel::common::*;
use crate::kernel::patch::{Across, Patch};

/// Depthwise convolution of output tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DepthwisePatch {
    /// Applied to the result.
    pub activation: ActivationKind,
    /// What an invocation computes.
    pub patch: Patch,
}

impl Kernel for DepthwisePatch {
    fn row(&self) -> Row {
        let weights = match self.patch.across {
            Across::Channels => shader!("lib/weights_four.wgsl"),
            _ => shader!("lib/weights_one.wgsl"),
        };
        let finish = match self.patch.across.fours() {
            false => shader!("depthwise/finish_one.wgsl"),
            true => shader!("depthwise/finish_four.wgsl"),
        };
        let own = [self.activation.wgsl(), weights, finish, EACH, shader!("depthwise/patch.wgsl")];
        self.patch.row(&own, (3, 1))
    }

    fn every() -> Vec<DepthwisePatch> {
        let of = |patch| DepthwisePatch { activation: ActivationKind::Relu, patch };
        Patch::kinds().into_iter().map(of).collect()
    }
}
