//! What holds for every row, and that the kernels' texts stay in their bounds with the worst that WGSL permits.

use std::collections::BTreeSet;

use super::*;
use crate::reference::EPS;

#[test]
fn names_are_those_of_the_texts_functions() {
    let unary = UnaryFunction::ALL.iter().map(|f| f.function());
    let all: Vec<&Function> = unary.chain(BinaryFunction::ALL.iter().map(|f| f.function())).collect();
    let names: BTreeSet<&str> = all.iter().map(|f| f.name).collect();
    assert_eq!(names.len(), all.len());
    for function in all {
        assert!(function.wgsl.contains(&format!("fn {}_of(", function.name)), "{}", function.name);
        assert!(function.wgsl.ends_with("\n}\n"), "{}", function.name);
    }
}

/// The distance of neighbours at a number.
fn ulp(x: f64) -> f64 {
    EPS * x.abs().log2().floor().exp2()
}

#[test]
fn logarithms_stay_in_their_bound_with_the_worst_division() {
    for exponent in -126..=127 {
        for i in 0..2000 {
            // From sqrt(1/2) to sqrt(2).
            let m = f64::from((f64::from(i) / 2000.0 - 0.5).exp2() as f32);
            let exact = f64::from(exponent) * std::f64::consts::LN_2 + m.ln();
            for sign in [-1.0, 1.0] {
                let under = (m + 1.0) * (1.0 - sign * 0.5 * EPS);
                let t = (m - 1.0) / under;
                let t = if t == 0.0 { 0.0 } else { t + sign * 2.5 * ulp(t) };
                let s = t * t;
                let series = 1.0 + s * (0.33333333 + s * (0.2 + s * (0.14285714 + s * 0.11111111)));
                let fraction = 2.0 * t * series * (1.0 + sign * 2.0 * EPS);
                let whole =
                    f64::from(exponent) * f64::from(std::f32::consts::LN_2) * (1.0 + sign * 0.5 * EPS);
                let off = ((whole + fraction) * (1.0 + sign * 0.5 * EPS) - exact).abs();
                assert!(off <= numbers::LOG * exact.abs(), "{m} 2^{exponent}: {off:e} of {exact:e}");
            }
        }
    }
}

#[test]
fn the_error_function_stays_in_its_bound_with_the_worst_exp_and_division() {
    let bound = UnaryFunction::Erf.function().rounding;
    for i in 0..=8000 {
        let x = 0.5 + f64::from(i) * 1e-3;
        let exact = libm::erf(x);
        for sign in [-1.0, 1.0] {
            let t = 1.0 / (1.0 + 0.5 * x);
            let t = t + sign * 3.0 * ulp(t);
            let coefficients = [
                0.17087277,
                -0.82215223,
                1.48851587,
                -1.13520398,
                0.27886807,
                -0.18628806,
                0.09678418,
                0.37409196,
                1.00002368,
                -1.26551223,
            ];
            // Each sum is rounded.
            let p = coefficients.iter().fold(0.0, |p: f64, c| (p * t + c) * (1.0 + sign * EPS));
            let argument = (p - x * x) * (1.0 + sign * EPS);
            let e = argument.exp();
            let e = e + sign * (3.0 + 2.0 * argument.abs()) * ulp(e);
            let off = (1.0 - t * e - exact).abs() + EPS * exact;
            assert!(off <= bound(x, 0.0, exact), "{x}: {off:e} of {exact}");
        }
    }
    for i in 1..=1000 {
        let x = 0.5f32 * i as f32 / 1000.0;
        let s = x * x;
        let y = x
            * (std::f32::consts::FRAC_2_SQRT_PI
                + s * (-0.37612639
                    + s * (0.11283792
                        + s * (-0.02686617 + s * (0.0052239776 + s * (-0.0008548327 + s * 0.00012055333))))));
        let (got, exact) = (f64::from(y), libm::erf(f64::from(x)));
        assert!((got - exact).abs() <= 4.0 * EPS * exact, "{x}: {got}, not {exact}");
    }
}
