//! `gradient/activation.wgsl`.

use crate::kernel::ActivationParams;
use crate::kernel::common::*;

/// The gradient of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ActivationGradient {
    /// Type of the elements.
    pub dtype: DType,
    /// Of which.
    pub of: ActivationKind,
}

impl Kernel for ActivationGradient {
    fn row(&self) -> Row {
        let own = [self.of.slope().wgsl, EACH, shader!("gradient/activation.wgsl")];
        typed(ActivationParams::BLOCK, self.dtype, &own, (2, 1))
    }

    fn every() -> Vec<ActivationGradient> {
        let of = |(dtype, of)| ActivationGradient { dtype, of };
        let with_slope = |kernel: &ActivationGradient| kernel.of != ActivationKind::PRelu;
        pairs(FLOATS, ActivationKind::ALL).map(of).filter(with_slope).collect()
    }
}
