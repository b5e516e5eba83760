//! The exponential function in a form that the compiler vectorises: no branches, no library call.

/// `1.5 * 2^23`: added to a small number, it leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;

/// `exp(x)` to about one unit in the last place, with `exp(-inf) = 0`, `exp(inf) = inf` and NaN for NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Outside this range the result is 0 or infinity in any case. Neither comparison holds for NaN.
    let x = if x < -105.0 { -105.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, the first short enough for n times it to be exact.
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    // exp(r) for |r| <= ln(2) / 2, by the polynomial of the Cephes library.
    let mut p = 1.987_569_2e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5e-1;
    let e = (p * (r * r) + r) + 1.0;
    // Two factors, because 2^n itself may be out of range where the result is subnormal or nearly infinite.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    e * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `2^n` for `-126 <= n <= 127`.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn is_close_to_the_library() {
        for i in -104_000..88_700 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            let slack = 2.0 * f64::from(f32::EPSILON) * exact + 2e-45;
            assert!((f64::from(exp(x)) - exact).abs() <= slack, "exp({x}) = {}, not {exact}", exp(x));
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-1e30), 0.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(100.0), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }
}
