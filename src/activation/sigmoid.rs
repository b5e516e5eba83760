//! The logistic function and SiLU.

use crate::host::exp;

/// `1 / (1 + exp(-x))`: for a large negative `x` the exponential is infinite and the result 0, as it should be.
#[inline(always)]
pub(super) fn host(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `x * sigmoid(x)`; minus infinity gives NaN, as the definition does.
#[inline(always)]
pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// The same on both sides of 0; far from it an exponential of `x` itself would be infinite.
pub(super) fn derivative(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    e / (1.0 + e).powi(2)
}
