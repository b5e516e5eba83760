//! The activations as shaders know them.

use crate::spec::Activation;

/// Which activation; the numbers are those of `ACTIVATION` in the shaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum ActivationKind {
    /// None.
    None = 0,
    /// ReLU.
    Relu = 1,
    /// ReLU6.
    Relu6 = 2,
    /// Leaky ReLU; its slope is a parameter.
    LeakyRelu = 3,
    /// Sigmoid.
    Sigmoid = 4,
    /// Hyperbolic tangent.
    Tanh = 5,
    /// SiLU.
    Silu = 6,
    /// GELU by the error function.
    Gelu = 7,
    /// GELU by the hyperbolic tangent.
    GeluTanh = 8,
}

impl ActivationKind {
    /// Every one.
    pub(crate) const ALL: [ActivationKind; 9] = [
        ActivationKind::None,
        ActivationKind::Relu,
        ActivationKind::Relu6,
        ActivationKind::LeakyRelu,
        ActivationKind::Sigmoid,
        ActivationKind::Tanh,
        ActivationKind::Silu,
        ActivationKind::Gelu,
        ActivationKind::GeluTanh,
    ];

    /// The kind, and the parameter that goes with it.
    pub fn of(activation: Activation) -> (ActivationKind, f32) {
        match activation {
            Activation::None => (ActivationKind::None, 0.0),
            Activation::Relu => (ActivationKind::Relu, 0.0),
            Activation::Relu6 => (ActivationKind::Relu6, 0.0),
            Activation::LeakyRelu { alpha } => (ActivationKind::LeakyRelu, alpha),
            Activation::Sigmoid => (ActivationKind::Sigmoid, 0.0),
            Activation::Tanh => (ActivationKind::Tanh, 0.0),
            Activation::Silu => (ActivationKind::Silu, 0.0),
            Activation::Gelu => (ActivationKind::Gelu, 0.0),
            Activation::GeluTanh => (ActivationKind::GeluTanh, 0.0),
        }
    }
}
