//! Gradients of activations by their definition.

use crate::activation::gradient::Slope;
use crate::problem::ActivationWork;
use crate::reference::Exact;

pub(super) fn activation(work: &ActivationWork, g: &[f64], x: &[f64], y: &mut Exact) {
    let (slope, parameters) = Slope::of(work.activation);
    for (i, (&g, &x)) in g.iter().zip(x).enumerate().take(work.elements) {
        (y.values[i], y.bound[i]) = slope.exact(g, x, parameters.map(f64::from));
    }
}
