//! Powers and the error function on the host, as `shaders/lib` has them, and their bounds.

use crate::host::{exp, log};
use crate::reference::EPS;

/// The error of the logarithm, per unit of it: 6 units of its fraction's, which may be as large as the whole, 3 of a multiple
/// of `log(2)` twice as large as the whole, and the sum's.
pub(super) const LOG: f64 = 12.0 * EPS;

/// The error of `exp(b * log(a))`, per unit of it. WGSL permits `exp` to be off by `3 + 2 |x|` units, and its argument is off by
/// the logarithm's error and the product's.
pub(super) fn power_rounding(a: f64, b: f64) -> f64 {
    let argument = (b * a.abs().ln()).abs();
    // Of 0, 1 and infinities the power is exact.
    if argument.is_finite() { (4.0 + 16.0 * argument) * EPS } else { 0.0 }
}

/// `a^b` as in C, without branches.
#[inline(always)]
pub(super) fn power(a: f32, b: f32) -> f32 {
    let whole = b.floor() == b;
    let odd = whole && (0.5 * b).floor() != 0.5 * b;
    let size = exp(b * log(a.abs()));
    let size = if a.abs() == 1.0 && !b.is_nan() { 1.0 } else { size };
    let signed = if odd && a.is_sign_negative() { -size } else { size };
    let signed = if a < 0.0 && a > f32::NEG_INFINITY && !whole { f32::NAN } else { signed };
    if a == 1.0 || b == 0.0 { 1.0 } else { signed }
}

/// The error function: by its series near 0, else by the fit of Numerical Recipes (erfcc) to the complementary one.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let s = x * x;
    let mut near = 1.205_533_3e-4;
    near = near * s + -8.548_327e-4;
    near = near * s + 5.223_977_6e-3;
    near = near * s + -2.686_617e-2;
    near = near * s + 1.128_379_2e-1;
    near = near * s + -3.761_263_9e-1;
    near = near * s + std::f32::consts::FRAC_2_SQRT_PI;
    let z = if x.abs() > 13.0 { 13.0 } else { x.abs() };
    let t = 1.0 / (1.0 + 0.5 * z);
    let mut p = 0.170_872_77;
    p = p * t + -0.822_152_2;
    p = p * t + 1.488_515_9;
    p = p * t + -1.135_204;
    p = p * t + 0.278_868_07;
    p = p * t + -0.186_288_06;
    p = p * t + 0.096_784_18;
    p = p * t + 0.374_091_96;
    p = p * t + 1.000_023_7;
    p = p * t + -1.265_512_2;
    let far = (1.0 - t * exp(p - z * z)).copysign(x);
    if x.abs() < 0.5 { x * near } else { far }
}
