//! `other/activation.wgsl`.

use crate::kernel::common::*;

/// An activation by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Activation {
    /// Type of the elements.
    pub dtype: DType,
    /// Which.
    pub activation: ActivationKind,
}

impl Kernel for Activation {
    fn row(&self) -> Row {
        let text = [self.activation.wgsl(), shader!("other/activation.wgsl")];
        typed(ActivationParams::BLOCK, self.dtype, &text, (1, 1))
    }

    fn every() -> Vec<Activation> {
        let of = |(dtype, activation)| Activation { dtype, activation };
        pairs(FLOATS, ActivationKind::ALL).map(of).collect()
    }
}

uniform! {
    /// Parameters of `other/activation.wgsl`.
    ActivationParams {
        total: u32,
        /// Neighbours that share a number of PReLU's slope; 0 with other activations.
        run: u32,
        alpha_beta: [f32; 2],
    }
}
