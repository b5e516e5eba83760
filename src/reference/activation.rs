//! Activations by their definition, and how far a 32-bit evaluation may be from them.

use super::Exact;
use crate::activation::ActivationKind;
use crate::problem::ActivationWork;
use crate::spec::Activation;

/// The activation of one value in 64-bit floats.
///
/// ```
/// use wgpool::{Activation, reference::activate};
/// assert_eq!(activate(Activation::Relu6, 7.5), 6.0);
/// ```
pub fn activate(activation: Activation, x: f64) -> f64 {
    let (kind, parameters) = ActivationKind::of(activation);
    if x.is_nan() { x } else { (kind.function().exact)(x, parameters.map(f64::from)) }
}

/// The bound after an activation of `x`, of which `before` is the bound.
pub(super) fn activation_bound(activation: Activation, x: f64, before: f64) -> f64 {
    let (kind, parameters) = ActivationKind::of(activation);
    (kind.function().bound)(x, before, parameters.map(f64::from))
}

pub(super) fn activation(work: &ActivationWork, x: &[f64], y: &mut Exact) {
    for (i, &x) in x.iter().enumerate().take(work.elements) {
        y.values[i] = activate(work.activation, x);
        y.bound[i] = activation_bound(work.activation, x, 0.0);
    }
}
