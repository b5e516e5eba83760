//! Ratios of times with the interval that holds the true one with 95 % confidence: of rounds by the sign test, of the
//! measurements in two files by Welch's t on logarithms.

use std::f64::consts::{FRAC_PI_2, LN_2};

/// A ratio of times, and the interval that covers the true one 95 times in 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The ratio.
    pub ratio: f64,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The fewest rounds whose smallest and largest ratio are 95 % sure to lie about the true one.
pub(super) const FEWEST_ROUNDS: usize = 6;

impl Interval {
    /// Of the logarithms of rounds' ratios: their median, between the ratios that the sign test cannot tell from it.
    ///
    /// With 10 rounds these are the second smallest and the second largest. Nothing of their distribution is assumed, as a
    /// busy machine now and then makes one round twice as long.
    pub(super) fn of_rounds(logs: &[f64]) -> Option<Interval> {
        let mut sorted = logs.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let cut = outside(sorted.len())?;
        let [low, high] = [sorted.get(cut)?, sorted.get(sorted.len() - 1 - cut)?];
        Some(Interval { ratio: median(&sorted).exp(), low: low.exp(), high: high.exp() })
    }
}

/// How many of the `rounds` smallest and as many of the largest ratios may be left out: as long as fewer coins than that
/// come up heads at most 2.5 times in 100. Nothing where even all of them are not enough.
fn outside(rounds: usize) -> Option<usize> {
    let n = rounds as f64;
    let mut term = -n * LN_2;
    let mut below = term.exp();
    let mut left_out = None;
    for heads in 0..rounds {
        if below > 0.025 {
            break;
        }
        left_out = Some(heads);
        term += ((n - heads as f64) / (heads as f64 + 1.0)).ln();
        below += term.exp();
    }
    left_out
}

/// The median of sorted values, or the mean of the two in the middle.
pub(super) fn median(sorted: &[f64]) -> f64 {
    let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
    (at(sorted.len().saturating_sub(1) / 2) + at(sorted.len() / 2)) / 2.0
}

/// A mean of logarithms, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    mean: f64,
    /// The square of the standard error of the mean.
    variance: f64,
    /// Degrees of freedom.
    freedom: f64,
}

impl Estimate {
    /// Of independent logarithms, at least two.
    pub(super) fn of(logs: &[f64]) -> Option<Estimate> {
        let n = logs.len() as f64;
        if logs.len() < 2 {
            return None;
        }
        let mean = logs.iter().sum::<f64>() / n;
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        Some(Estimate { mean, variance: squares / (n - 1.0) / n, freedom: n - 1.0 })
    }

    /// How far the logarithms of `b` lie above those of `a`, which need not be as many: Welch's t.
    pub(super) fn between(a: &[f64], b: &[f64]) -> Option<Estimate> {
        let (a, b) = (Estimate::of(a)?, Estimate::of(b)?);
        Some(Estimate { mean: b.mean - a.mean, ..sum(&[a, b]) })
    }

    /// The mean of independent estimates.
    pub(super) fn mean_of(all: &[Estimate]) -> Option<Estimate> {
        let n = all.len() as f64;
        let Estimate { mean, variance, freedom } = (!all.is_empty()).then(|| sum(all))?;
        Some(Estimate { mean: mean / n, variance: variance / (n * n), freedom })
    }

    /// As a ratio.
    pub(super) fn interval(&self) -> Interval {
        let reach = student(self.freedom) * self.variance.sqrt();
        Interval { ratio: self.mean.exp(), low: (self.mean - reach).exp(), high: (self.mean + reach).exp() }
    }
}

/// The sum of independent estimates, with the degrees of freedom that Welch and Satterthwaite give it.
fn sum(all: &[Estimate]) -> Estimate {
    let variance: f64 = all.iter().map(|e| e.variance).sum();
    let parts: f64 = all.iter().map(|e| e.variance.powi(2) / e.freedom).sum();
    // Without any spread the freedom makes no difference.
    let freedom = if parts > 0.0 { variance.powi(2) / parts } else { 1.0 };
    Estimate { mean: all.iter().map(|e| e.mean).sum(), variance, freedom }
}

/// Between minus and plus this lie 95 % of Student's t with so many degrees of freedom, at least one.
///
/// With `t = sqrt(freedom) * tan(angle)` its density is a power of the cosine, whose integral is summed up until it
/// is 95 % of the whole (by the trapezoidal rule).
pub(super) fn student(freedom: f64) -> f64 {
    const STEPS: u32 = 20_000;
    // Beyond, it is as good as the normal distribution.
    let freedom = freedom.clamp(1.0, 10_000.0);
    let step = FRAC_PI_2 / f64::from(STEPS);
    let height = |i: u32| (f64::from(i) * step).cos().max(0.0).powf(freedom - 1.0);
    let area = |i: u32| (height(i) + height(i + 1)) / 2.0;
    let wanted = 0.95 * (0..STEPS).map(area).sum::<f64>();
    let mut below = 0.0;
    for i in 0..STEPS {
        let more = area(i);
        if below + more >= wanted {
            let angle = (f64::from(i) + (wanted - below) / more) * step;
            return freedom.sqrt() * angle.tan();
        }
        below += more;
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_tables() {
        let known = [
            (1.0, 12.706_205),
            (2.0, 4.302_653),
            (3.0, 3.182_446),
            (2.5, 3.574_655),
            (9.0, 2.262_157),
            (30.0, 2.042_272),
            (1000.0, 1.962_339),
            (1e9, 1.959_964),
        ];
        for (freedom, t) in known {
            let got = student(freedom);
            assert!((got / t - 1.0).abs() < 2e-4, "{freedom}: {got}, not {t}");
        }
    }

    #[test]
    fn ends_of_the_sign_test() {
        // Of 5 coins none comes up heads once in 32 times, of 6 once in 64.
        assert_eq!([0, 1, 5].map(outside), [None; 3]);
        // As in any table of the sign test.
        let known = [(6, 0), (8, 0), (9, 1), (10, 1), (11, 1), (12, 2), (20, 5), (40, 13), (100, 39)];
        for (rounds, left_out) in known {
            assert_eq!(outside(rounds), Some(left_out), "{rounds}");
        }
        // Far beyond what 64 bits hold of its terms, next to the normal distribution.
        let many = outside(10_000).expect("enough");
        assert!(many.abs_diff(4_902) <= 2, "{many}");
        let logs: Vec<f64> = [5, 3, 9, 1, 7, 8, 2, 6, 4, 1000].map(|n: u16| f64::from(n).ln()).to_vec();
        let Interval { ratio, low, high } = Interval::of_rounds(&logs).expect("ten");
        assert!((ratio - 30f64.sqrt()).abs() < 1e-9 && (low - 2.0).abs() < 1e-9 && (high - 9.0).abs() < 1e-9);
    }

    #[test]
    fn an_interval_worked_out_by_hand() {
        // Logarithms 0.1, 0.2 and 0.3: mean 0.2, standard error 0.1 / sqrt(3), t of two degrees 4.302653.
        let Interval { ratio, low, high } = Estimate::of(&[0.1, 0.2, 0.3]).expect("three").interval();
        let reach = 4.302_653 * 0.1 / 3f64.sqrt();
        assert!((ratio.ln() - 0.2).abs() < 1e-12);
        assert!((low.ln() - (0.2 - reach)).abs() < 1e-4 && (high.ln() - (0.2 + reach)).abs() < 1e-4);
        assert_eq!(Estimate::of(&[0.1]), None);
    }

    #[test]
    fn welch_worked_out_by_hand() {
        // Variances of the means 0.01/3 and 0.04/4, so 0.013333 with 1.7778e-4 / (5.5556e-6 + 3.3333e-5) = 4.5714.
        let a = [1.0, 1.1, 0.9];
        let b = [1.5 - 0.173_205_08, 1.5 + 0.173_205_08, 1.5 - 0.173_205_08, 1.5 + 0.173_205_08];
        let got = Estimate::between(&a, &b).expect("enough");
        assert!((got.mean - 0.5).abs() < 1e-9 && (got.variance - 0.04 / 3.0).abs() < 1e-9, "{got:?}");
        assert!((got.freedom - 4.571_428).abs() < 1e-4, "{got:?}");
        let mean = Estimate::mean_of(&[got, got]).expect("two");
        assert!((mean.mean - 0.5).abs() < 1e-9 && (mean.variance - got.variance / 2.0).abs() < 1e-12);
        assert!((mean.freedom - 2.0 * got.freedom).abs() < 1e-9);
    }

    #[test]
    fn without_spread_the_interval_is_a_point() {
        let Interval { ratio, low, high } =
            Estimate::between(&[1.0; 3], &[1.0; 5]).expect("enough").interval();
        assert_eq!((ratio, low, high), (1.0, 1.0, 1.0));
    }
}
