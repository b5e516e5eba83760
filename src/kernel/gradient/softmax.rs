//! `gradient/softmax.wgsl`.

use crate::kernel::SoftmaxParams;
use crate::kernel::common::*;

/// The gradient of softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoftmaxGradient {
    /// Type of the elements.
    pub dtype: DType,
    /// Invocations that share a row.
    pub share: u32,
}

impl Kernel for SoftmaxGradient {
    fn row(&self) -> Row {
        let own = [SUM, FOLD, ROW_BASE, shader!("gradient/softmax.wgsl"), EACH_ROW];
        typed(SoftmaxParams::BLOCK, self.dtype, &own, (2, 1)).with("SHARE", self.share)
    }

    fn every() -> Vec<SoftmaxGradient> {
        pairs(FLOATS, [1, WORKGROUP]).map(|(dtype, share)| SoftmaxGradient { dtype, share }).collect()
    }
}
