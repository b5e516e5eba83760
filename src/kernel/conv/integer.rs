//! `conv/integer.wgsl`: integer convolution.

use super::params::ConvParams;
use crate::kernel::common::*;

/// Integer convolution, whose output are sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvInteger {
    /// Type of the input.
    pub dtype: DType,
    /// Whether channels lie last.
    pub channels_last: bool,
}

impl Kernel for ConvInteger {
    fn row(&self) -> Row {
        let own = [ELEMENT, TAPS, PLACE, EACH, shader!("conv/integer.wgsl")];
        by_words(ConvParams::BLOCK, self.dtype, &own, (3, 1)).with("CHANNELS_LAST", self.channels_last)
    }

    fn every() -> Vec<ConvInteger> {
        let of = |(dtype, channels_last)| ConvInteger { dtype, channels_last };
        pairs(BYTES, [false, true]).map(of).collect()
    }
}
