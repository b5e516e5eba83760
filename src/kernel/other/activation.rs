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
        plain(ActivationParams::BLOCK, &[ACTIVATION, shader!("other/activation.wgsl")], (1, 1))
            .with("ACTIVATION", self.activation as u32)
    }

    fn every() -> Vec<Activation> {
        ActivationKind::ALL.map(|activation| Activation { activation }).to_vec()
    }
}

uniform! {
    /// Parameters of `other/activation.wgsl`.
    ActivationParams {
        total: u32,
        alpha: f32,
        pad_0: u32,
        pad_1: u32,
    }
}
