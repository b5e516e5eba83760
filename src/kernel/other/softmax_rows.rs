//! `other/softmax_rows.wgsl`.

use super::softmax::SoftmaxParams;
use crate::kernel::common::*;

/// Softmax of long rows, a row a workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoftmaxRows {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for SoftmaxRows {
    fn row(&self) -> Row {
        typed(
            SoftmaxParams::BLOCK,
            self.dtype,
            &[SUM, FOLD, ROW_BASE, SOFTMAX, shader!("other/softmax_rows.wgsl")],
            (1, 1),
        )
        .with("SHARE", WORKGROUP)
    }

    fn every() -> Vec<SoftmaxRows> {
        FLOATS.map(|dtype| SoftmaxRows { dtype }).to_vec()
    }
}
