//! `exp(x) - 1`, the negative side of ELU.

use crate::host::exp;

/// Of a number that is not positive: by its series near 0, where the difference would lose its digits.
#[inline(always)]
pub(super) fn exp_minus_1(x: f32) -> f32 {
    let mut p = 1.0 / 720.0;
    p = p * x + 1.0 / 120.0;
    p = p * x + 1.0 / 24.0;
    p = p * x + 1.0 / 6.0;
    p = p * x + 0.5;
    p = p * x + 1.0;
    if x > -0.25 { x * p } else { exp(x) - 1.0 }
}
