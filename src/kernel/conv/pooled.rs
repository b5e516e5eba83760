//! `conv/pooled.wgsl`: any convolution with any pooling behind it.

use super::direct::Conv;
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
        let own = [POOLING, EACH, shader!("conv/pooled.wgsl")];
        convolution(self.dtype, self.activation, self.channels_last, &own).with("REDUCE", self.reduce as u32)
    }

    fn every() -> Vec<ConvPool> {
        let mut every = Vec::new();
        let alone = Conv::every().into_iter().filter(|conv| !conv.residual);
        for (conv, reduce) in pairs(alone, Reduce::WITHOUT_POWERS) {
            let Conv { dtype, activation, channels_last, .. } = conv;
            every.push(ConvPool { dtype, activation, channels_last, reduce });
        }
        every
    }
}
