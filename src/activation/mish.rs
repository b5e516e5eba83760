//! `x * tanh(softplus(x))`.

use super::softplus;
use crate::host::exp;

/// With `n = exp(x)`, the hyperbolic tangent is `(n^2 + 2n) / (n^2 + 2n + 2)`, which takes no difference; where `x` is positive,
/// both sides of the fraction are divided by `n^2`, which may be infinite.
#[inline(always)]
pub(super) fn host(x: f32) -> f32 {
    let e = exp(-x.abs());
    let (above, rest) = if x > 0.0 { (1.0 + 2.0 * e, e * e) } else { (e * (e + 2.0), 1.0) };
    x * (above / (above + 2.0 * rest))
}

pub(super) fn derivative(x: f64) -> f64 {
    let t = softplus::exact(x).tanh();
    t + x * (1.0 - t * t) / (1.0 + (-x).exp())
}
