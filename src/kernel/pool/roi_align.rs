//! `pool/roi_align.wgsl`.

use super::roi_params::RoiParams;
use crate::kernel::common::*;

/// RoiAlign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoiAlign;

impl Kernel for RoiAlign {
    fn row(&self) -> Row {
        plain(RoiParams::BLOCK, &[SUM, ROI, shader!("pool/roi_align.wgsl")], (3, 1))
    }

    fn every() -> Vec<RoiAlign> {
        vec![RoiAlign]
    }
}
