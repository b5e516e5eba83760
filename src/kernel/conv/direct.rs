//! `conv/direct.wgsl`: any convolution.

use super::params::convolution;
use crate::kernel::common::*;

/// Direct convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Type of the elements.
    pub dtype: DType,
    /// Applied to the result.
    pub activation: ActivationKind,
    /// Whether channels lie last.
    pub channels_last: bool,
    /// Whether the residual is added.
    pub residual: bool,
}

impl Kernel for Conv {
    fn row(&self) -> Row {
        convolution(self.dtype, self.activation, self.channels_last, &[EACH, shader!("conv/direct.wgsl")])
    }

    fn every() -> Vec<Conv> {
        let of = |(dtype, (activation, (channels_last, residual)))| Conv {
            dtype,
            activation,
            channels_last,
            residual,
        };
        let variants = pairs([false, true], [false, true]);
        pairs(FLOATS, pairs(ActivationKind::ALL, variants)).map(of).collect()
    }
}
