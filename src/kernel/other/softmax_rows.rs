//! `other/softmax_rows.wgsl`.

use super::softmax::SoftmaxParams;
use crate::kernel::common::*;

/// Softmax of long rows, a row a workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoftmaxRows;

impl Kernel for SoftmaxRows {
    fn row(&self) -> Row {
        plain(SoftmaxParams::BLOCK, &[SUM, FOLD, SOFTMAX, shader!("other/softmax_rows.wgsl")], (1, 1))
            .with("SHARE", WORKGROUP)
    }

    fn every() -> Vec<SoftmaxRows> {
        vec![SoftmaxRows]
    }
}
