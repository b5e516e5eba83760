//! `gradient/unpool.wgsl`: the gradient of max unpooling.

use crate::kernel::UnpoolParams;
use crate::kernel::common::*;

/// The gradient of max unpooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnpoolGradient {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for UnpoolGradient {
    fn row(&self) -> Row {
        let own = [shader!("lib/unpooled.wgsl"), shader!("gradient/unpool.wgsl")];
        typed(UnpoolParams::BLOCK, self.dtype, &own, (2, 1))
    }

    fn every() -> Vec<UnpoolGradient> {
        FLOATS.map(|dtype| UnpoolGradient { dtype }).to_vec()
    }
}
