//! `conv/dense.wgsl`: a dense layer with few outputs.

use crate::kernel::common::*;

/// A dense layer with few outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dense {
    /// Type of the elements.
    pub dtype: DType,
    /// Applied to the result.
    pub activation: ActivationKind,
}

impl Kernel for Dense {
    fn row(&self) -> Row {
        typed(
            DenseParams::BLOCK,
            self.dtype,
            &[SUM, self.activation.wgsl(), shader!("conv/dense.wgsl")],
            (3, 1),
        )
    }

    fn every() -> Vec<Dense> {
        let of = |(dtype, activation)| Dense { dtype, activation };
        pairs(FLOATS, ActivationKind::ALL).map(of).collect()
    }
}

uniform! {
    /// Parameters of `conv/dense.wgsl`.
    DenseParams {
        rows: u32,
        features: u32,
        outputs: u32,
        /// Kernel: distance between inputs.
        tap_in: u32,
        /// Kernel: distance between outputs.
        tap_out: u32,
        has_bias: u32,
        alpha_beta: [f32; 2],
    }
}
