//! `pool/roi_max.wgsl`.

use super::roi_align::RoiParams;
use crate::kernel::common::*;

/// MaxRoiPool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxRoi;

impl Kernel for MaxRoi {
    fn row(&self) -> Row {
        plain(RoiParams::BLOCK, &[ROI, EACH, shader!("pool/roi_max.wgsl")], (2, 1))
    }

    fn every() -> Vec<MaxRoi> {
        vec![MaxRoi]
    }
}
