//! `conv/pooled.wgsl`: any convolution with any pooling behind it.

use super::params::convolution;
use crate::kernel::common::*;

/// Convolution and pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvPool {
    /// Type of the elements.
    pub dtype: DType,
    /// Applied to the convolution's result.
    pub activation: ActivationKind,
    /// Whether channels lie last.
    pub channels_last: bool,
    /// What is computed of each window.
    pub reduce: Reduce,
}

impl Kernel for ConvPool {
    fn row(&self) -> Row {
        convolution(self.dtype, self.activation, &[POOLING, shader!("conv/pooled.wgsl")])
            .with("CHANNELS_LAST", self.channels_last)
            .with("REDUCE", self.reduce as u32)
    }

    fn every() -> Vec<ConvPool> {
        let layouts = pairs(FLOATS, [false, true]);
        let of = |((dtype, channels_last), (activation, reduce))| ConvPool {
            dtype,
            activation,
            channels_last,
            reduce,
        };
        pairs(layouts, pairs(ActivationKind::ALL, Reduce::WITHOUT_POWERS)).map(of).collect()
    }
}
