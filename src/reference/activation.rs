//! Activations by their definition, and how far a 32-bit evaluation may be from them.

use super::Exact;
use crate::activation::INITIAL_SLOPE;
use crate::problem::{ActivationWork, Epilogue};
use crate::spec::Activation;

/// The activation of one value in 64-bit floats. Of [`PRelu`](Activation::PRelu), whose slope is an input of operations, it is
/// the one with PyTorch's initial 0.25.
///
/// ```
/// use wgpool::{Activation, reference::activate};
/// assert_eq!(activate(Activation::Relu6, 7.5), 6.0);
/// ```
pub fn activate(activation: Activation, x: f64) -> f64 {
    activated(activation, INITIAL_SLOPE, (x, 0.0)).0
}

/// What becomes of a value and its bound; `slope` is PReLU's.
fn activated(activation: Activation, slope: f64, (x, before): (f64, f64)) -> (f64, f64) {
    let (function, parameters) = activation.with_slope(slope);
    let value = if x.is_nan() { x } else { (function.exact)(x, parameters) };
    (value, (function.bound)(x, before, parameters))
}

impl Epilogue<'_, f64> {
    /// What becomes of a sum with bias in a channel, and of its bound.
    pub(super) fn activated(&self, channel: usize, sum: (f64, f64)) -> (f64, f64) {
        activated(self.activation, self.slope_of(channel), sum)
    }
}

pub(super) fn activation(work: &ActivationWork, x: &[f64], slopes: Option<&Vec<f64>>, y: &mut Exact) {
    for (i, &x) in x.iter().enumerate().take(work.elements) {
        let slope = slopes.and_then(|slopes| slopes.get(i / work.run % slopes.len()));
        (y.values[i], y.bound[i]) = activated(work.activation, slope.copied().unwrap_or_default(), (x, 0.0));
    }
}
