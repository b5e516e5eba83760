//! The two forms of GELU.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::PARAMETERS;
use crate::host::exp;
use crate::reference::EPS;

/// The share of the normal distribution below `x`.
pub(super) fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

pub(super) fn derivative(x: f64) -> f64 {
    normal(x) + x * (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// By the complementary error function, which keeps its digits in the far negative tail.
#[inline(always)]
pub(super) fn host(x: f32) -> f32 {
    0.5 * x * libm::erfcf(-x * std::f32::consts::FRAC_1_SQRT_2)
}

/// What the other form takes the hyperbolic tangent of.
pub(super) fn inner(x: f64) -> f64 {
    (2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)
}

pub(super) fn tanh_derivative(x: f64) -> f64 {
    let t = inner(x).tanh();
    let slope = (2.0 / PI).sqrt() * (1.0 + 3.0 * 0.044715 * x * x);
    // Far from 0 the slope is infinite and what it is multiplied by 0.
    let steep = if t.abs() == 1.0 { 0.0 } else { x * (1.0 - t * t) * slope };
    0.5 * (1.0 + t + steep)
}

/// `x * (1 + tanh(u)) / 2` is `x * sigmoid(2u)`, which keeps its digits in the negative tail.
#[inline(always)]
pub(super) fn tanh_host(x: f32) -> f32 {
    const SCALE: f32 = 0.797_884_6;
    let u = SCALE * (x + 0.044_715 * x * x * x);
    x / (1.0 + exp(-2.0 * u))
}

pub(super) fn bound(x: f64, before: f64, _: [f64; PARAMETERS]) -> f64 {
    1.13 * before + 16.0 * EPS * x.abs()
}
