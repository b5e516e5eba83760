//! `conv/transpose.wgsl`: any transposed convolution.

use super::params::convolution;
use crate::kernel::common::*;

/// Transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTranspose {
    /// Type of the elements.
    pub dtype: DType,
    /// Applied to the result.
    pub activation: ActivationKind,
    /// Whether channels lie last.
    pub channels_last: bool,
}

impl Kernel for ConvTranspose {
    fn row(&self) -> Row {
        let own = [REACHED, EACH, shader!("conv/transpose.wgsl")];
        convolution(self.dtype, self.activation, self.channels_last, &own)
    }

    fn every() -> Vec<ConvTranspose> {
        let of = |(dtype, (activation, channels_last))| ConvTranspose { dtype, activation, channels_last };
        pairs(FLOATS, pairs(ActivationKind::ALL, [false, true])).map(of).collect()
    }
}
