//! `other/activation.wgsl`.

use crate::kernel::common::*;

/// An activation by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Activation {
    /// Which.
    pub activation: ActivationKind,
}

impl Kernel for Activation {
    fn row(&self) -> Row {
        plain(ActivationParams::BLOCK, &[self.activation.wgsl(), shader!("other/activation.wgsl")], (1, 1))
    }

    fn every() -> Vec<Activation> {
        ActivationKind::ALL.map(|activation| Activation { activation }).to_vec()
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
