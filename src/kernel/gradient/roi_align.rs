//! `gradient/roi_align.wgsl`.

use crate::kernel::RoiParams;
use crate::kernel::common::*;

/// The gradient of RoiAlign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoiAlignGradient {
    /// Type of the elements.
    pub dtype: DType,
    /// Whether channels lie last.
    pub channels_last: bool,
}

impl Kernel for RoiAlignGradient {
    fn row(&self) -> Row {
        let lines = [SUM, ELEMENT, ROI, ROI_SAMPLES, EACH, shader!("gradient/roi_align.wgsl")];
        typed(RoiParams::BLOCK, self.dtype, &lines, (3, 1)).with("CHANNELS_LAST", self.channels_last)
    }

    fn every() -> Vec<RoiAlignGradient> {
        let of = |(dtype, channels_last)| RoiAlignGradient { dtype, channels_last };
        pairs(FLOATS, [false, true]).map(of).collect()
    }
}
