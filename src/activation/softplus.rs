//! `log(1 + exp(x))`.

use crate::host::exp;
use crate::reference::EPS;

/// Of `exp(-|x|)` alone, which cannot overflow, and whose digits `ln_1p` keeps.
pub(super) fn exact(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `log(1 + e)` is `2 atanh(e / (2 + e))`, whose series in the square of a third ends soon.
#[inline(always)]
pub(super) fn host(x: f32) -> f32 {
    let e = exp(-x.abs());
    let t = e / (2.0 + e);
    let s = t * t;
    let mut p = 1.0 / 13.0;
    p = p * s + 1.0 / 11.0;
    p = p * s + 1.0 / 9.0;
    p = p * s + 1.0 / 7.0;
    p = p * s + 1.0 / 5.0;
    p = p * s + 1.0 / 3.0;
    p = p * s + 1.0;
    (if x < 0.0 { 0.0 } else { x }) + 2.0 * t * p
}

/// On the negative side its error is that of the exponential, of which WGSL's may be off by `3 + 2 |x|` units.
pub(super) fn bound(x: f64, before: f64) -> f64 {
    // Behind -150 both are 0.
    let units = 8.0 + 2.0 * (-x).clamp(0.0, 150.0);
    before + units * EPS * exact(x)
}
