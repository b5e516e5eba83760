//! The natural logarithm in a form that the compiler vectorises: no branches, no library call.

/// `sqrt(1/2)` as bits.
const ROOT: u32 = 0x3f35_04f3;

/// `log(x)` to a few units in the last place; of 0 and of subnormal numbers minus infinity, NaN of what is negative or NaN.
#[inline(always)]
pub(crate) fn log(x: f32) -> f32 {
    // x is m * 2^e, with m from sqrt(1/2) to sqrt(2).
    let shifted = x.to_bits().wrapping_sub(ROOT);
    let e = (shifted as i32) >> 23;
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(ROOT));
    // log(m) is 2 atanh((m - 1) / (m + 1)), whose series ends soon.
    let t = (m - 1.0) / (m + 1.0);
    let s = t * t;
    let mut p = 1.0 / 9.0;
    p = p * s + 1.0 / 7.0;
    p = p * s + 1.0 / 5.0;
    p = p * s + 1.0 / 3.0;
    p = p * s + 1.0;
    let y = e as f32 * std::f32::consts::LN_2 + 2.0 * t * p;
    let y = if x < f32::MIN_POSITIVE { f32::NEG_INFINITY } else { y };
    let y = if x == f32::INFINITY { x } else { y };
    if x < 0.0 || x.is_nan() { f32::NAN } else { y }
}
