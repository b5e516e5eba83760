//! Activations by their definition, and how far a 32-bit evaluation may be from them.

use super::Exact;
use super::tolerance::EPS;
use crate::problem::ActivationWork;
use crate::spec::Activation;

/// The activation of one value in 64-bit floats.
///
/// ```
/// use wgpool::{Activation, reference::activate};
/// assert_eq!(activate(Activation::Relu6, 7.5), 6.0);
/// ```
pub fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::None => x,
        Activation::Relu => {
            if x < 0.0 {
                0.0
            } else {
                x
            }
        }
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::LeakyRelu { alpha } => {
            if x < 0.0 {
                f64::from(alpha) * x
            } else {
                x
            }
        }
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Gelu => 0.5 * x * libm::erfc(-x / std::f64::consts::SQRT_2),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            0.5 * x * (1.0 + inner.tanh())
        }
    }
}

/// The bound after an activation of `x`, of which `before` is the bound.
///
/// The error before is multiplied by the function's largest slope; to it comes that of the function itself,
/// a few units in the last place of the numbers it adds (WGSL's `exp` may be off by `3 + 2 |x|` of them, which
/// the decay of `exp(-|x|)` keeps below 4).
pub(super) fn activation_bound(activation: Activation, x: f64, before: f64) -> f64 {
    match activation {
        Activation::None | Activation::Relu | Activation::Relu6 => before,
        Activation::LeakyRelu { alpha } => {
            let slope = f64::from(alpha.abs());
            before * slope.max(1.0) + EPS * slope * x.abs()
        }
        Activation::Sigmoid => 0.25 * before + 8.0 * EPS,
        Activation::Tanh => before + 16.0 * EPS * x.abs().min(1.0),
        Activation::Silu => 1.1 * before + 8.0 * EPS * x.abs(),
        Activation::Gelu | Activation::GeluTanh => 1.13 * before + 16.0 * EPS * x.abs(),
    }
}

pub(super) fn activation(work: &ActivationWork, x: &[f64], y: &mut Exact) {
    for (i, &x) in x.iter().enumerate().take(work.elements) {
        y.values[i] = activate(work.activation, x);
        y.bound[i] = activation_bound(work.activation, x, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the shader's tanh leaves its series.
    fn threshold() -> f64 {
        let text = include_str!("../../shaders/lib/activation.wgsl");
        let (_, rest) = text.split_once("if (a < ").unwrap();
        rest.split_once(')').unwrap().0.parse().unwrap()
    }

    fn bound(x: f64) -> f64 {
        activation_bound(Activation::Tanh, x, 0.0)
    }

    #[test]
    fn tanh_stays_in_its_bound_with_the_worst_exp_and_division() {
        let ulp = |x: f64| EPS * x.log2().floor().exp2();
        for i in 0..10_000 {
            let x = threshold() + f64::from(i) * 1e-4;
            let e = (2.0 * x).exp();
            for sign in [-1.0, 1.0] {
                let e = e + sign * (3.0 + 4.0 * x) * ulp(e);
                let under = e + 1.0 + sign * 0.5 * ulp(e + 1.0);
                let quotient = 2.0 / under - sign * 2.5 * ulp(2.0 / under);
                let off = (1.0 - quotient - x.tanh()).abs();
                assert!(off <= bound(x), "{x}: {off:e}, {:e}", bound(x));
            }
        }
    }

    #[test]
    fn the_series_of_tanh_is_good_up_to_where_it_ends() {
        for i in 1..=1000 {
            let x = threshold() as f32 * i as f32 / 1000.0;
            let s = x * x;
            let y = x * (1.0 + s * (-0.33333333 + s * (0.13333333 + s * -0.053968254)));
            let off = (f64::from(y) - f64::from(x).tanh()).abs();
            assert!(off <= 3.0 * EPS * f64::from(x), "{x}: {off:e}");
        }
    }
}
