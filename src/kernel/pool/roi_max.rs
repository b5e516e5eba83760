//! `pool/roi_max.wgsl`.

use super::roi_align::RoiParams;
use crate::kernel::common::*;

/// MaxRoiPool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxRoi {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for MaxRoi {
    fn row(&self) -> Row {
        typed(RoiParams::BLOCK, self.dtype, &[ROI, ROI_BINS, EACH, shader!("pool/roi_max.wgsl")], (2, 1))
    }

    fn every() -> Vec<MaxRoi> {
        FLOATS.map(|dtype| MaxRoi { dtype }).to_vec()
    }
}
