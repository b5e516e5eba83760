//! The hyperbolic tangent.

use crate::host::exp;
use crate::reference::EPS;

/// By its odd polynomial near 0, where `1 - 2 / (exp(2x) + 1)` would lose all its digits.
#[inline(always)]
pub(super) fn host(x: f32) -> f32 {
    let a = x.abs();
    let s = x * x;
    // The polynomial of the Cephes library, for |x| < 0.625.
    let mut p = -5.704_988_7e-3;
    p = p * s + 2.063_909e-2;
    p = p * s - 5.373_971_5e-2;
    p = p * s + 1.333_144_2e-1;
    p = p * s - 3.333_328e-1;
    let near = p * s * x + x;
    let far = (1.0 - 2.0 / (exp(2.0 * a) + 1.0)).copysign(x);
    if a < 0.625 { near } else { far }
}

pub(super) fn bound(x: f64, before: f64) -> f64 {
    before + 16.0 * EPS * x.abs().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the shader's tanh leaves its series.
    fn threshold() -> f64 {
        let text = include_str!("../../shaders/lib/tanh.wgsl");
        let (_, rest) = text.split_once("if (a < ").unwrap();
        rest.split_once(')').unwrap().0.parse().unwrap()
    }

    #[test]
    fn tanh_stays_in_its_bound_with_the_worst_exp_and_division() {
        let ulp = |x: f64| EPS * x.log2().floor().exp2();
        for i in 0..10_000 {
            let x = threshold() + f64::from(i) * 1e-4;
            let e = (2.0 * x).exp();
            for sign in [-1.0, 1.0] {
                let e = e + sign * (3.0 + 4.0 * x) * ulp(e);
                let under = e + 1.0 + sign * 0.5 * ulp(e + 1.0);
                let quotient = 2.0 / under - sign * 2.5 * ulp(2.0 / under);
                let off = (1.0 - quotient - x.tanh()).abs();
                assert!(off <= bound(x, 0.0), "{x}: {off:e}, {:e}", bound(x, 0.0));
            }
        }
    }

    #[test]
    fn the_series_of_tanh_is_good_up_to_where_it_ends() {
        for i in 1..=1000 {
            let x = threshold() as f32 * i as f32 / 1000.0;
            let s = x * x;
            let y = x * (1.0 + s * (-0.33333333 + s * (0.13333333 + s * -0.053968254)));
            let off = (f64::from(y) - f64::from(x).tanh()).abs();
            assert!(off <= 3.0 * EPS * f64::from(x), "{x}: {off:e}");
        }
    }
}
