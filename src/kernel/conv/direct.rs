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
}

impl Kernel for Conv {
    fn row(&self) -> Row {
        convolution(self.dtype, self.activation, self.channels_last, &[EACH, shader!("conv/direct.wgsl")])
    }

    fn every() -> Vec<Conv> {
        let of = |(dtype, (activation, channels_last))| Conv { dtype, activation, channels_last };
        pairs(FLOATS, pairs(ActivationKind::ALL, [false, true])).map(of).collect()
    }
}
