//! Pooling by its definition.

use super::Exact;
use super::tolerance::{EPS, SUM};
use crate::dtype::DType;
use crate::error::Result;
use crate::geometry::{positions, taps_inside};
use crate::problem::PoolWork;
use crate::spec::PoolKind;

/// What powers of any exponent but 1 and 2 add to the bound of a root, per unit of it, of `log2(taps) / p` and of [`EPS`].
///
/// They are `exp2(y * log2(x))`. WGSL permits `log2` 3 units in the last place, product and `1 / p` half a unit each, and
/// `exp2` `3 + 2 |e|` of them for an exponent `e`: beside what does not grow, `4 ln 2 + 2 < 5` times `|e|`. The root's
/// exponent is `log2(sum) / p`; terms of exponent `-e` make up a sum only if there are `2^e` times as many as it has units,
/// and the root divides their error by `p`. Both exponents together are at most `log2(taps)`.
const POWER: f64 = 5.0;

/// How far powers and the root of `taps` of them may be off, per unit of the root.
fn of_powers(p: f64, taps: f64) -> f64 {
    let power = if p == 1.0 || p == 2.0 { 0.0 } else { POWER * EPS };
    2.0 * SUM + power * taps.max(1.0).log2() / p
}

pub(super) fn pool(work: &PoolWork, x: &[f64], y: &mut Exact, mut indices: Option<&mut Exact>) -> Result<()> {
    for n in 0..work.batch {
        for c in 0..work.channels {
            for o in positions(work.axes.map(|a| a.output)) {
                let at = work.output.at(n, c, o);
                let element = element(work, |&p| x[work.input.at(n, c, p)], o);
                (y.values[at], y.bound[at]) = (element.value, element.bound);
                if element.signed_zero {
                    y.mark_signed_zero(at)?;
                }
                if let (Some(indices), Some(numbering)) = (indices.as_deref_mut(), work.indices) {
                    let index = |p| work.index(numbering, n, c, p) as f64;
                    indices.values[at] = element.position.map_or(-1.0, index);
                }
            }
        }
    }
    Ok(())
}

/// One output of pooling.
pub(super) struct Element {
    pub value: f64,
    /// Before it is stored.
    pub bound: f64,
    /// Where a maximum is; nothing for an empty window.
    pub position: Option<[usize; 3]>,
    /// Whether it is a zero whose sign counts.
    pub signed_zero: bool,
}

/// The window at one position of a plane whose elements are `value`.
pub(super) fn element(work: &PoolWork, value: impl Fn(&[usize; 3]) -> f64, o: [usize; 3]) -> Element {
    let window = taps_inside(&work.axes, o).map(|(_, position)| position);
    let values = || window.clone().map(|p| value(&p));
    let inside = || (0..3).map(|i| work.axes[i].taps_inside(o[i]).len() as f64).product::<f64>();
    let (value, bound) = match work.kind {
        PoolKind::Max => {
            let value_of = &value;
            let (value, position) = maximum(window.clone(), value_of, work.dtype);
            let signed_zero = value == 0.0 && has_no_subnormals(work.dtype, window, value_of);
            return Element { value, bound: 0.0, position, signed_zero };
        }
        PoolKind::Average { count_include_pad, divisor } => {
            let count = match divisor {
                Some(divisor) => f64::from(divisor),
                // Padding may make windows larger than what a usize counts.
                None if count_include_pad => (0..3).map(|i| work.axes[i].taps_padded(o[i]) as f64).product(),
                None => inside(),
            };
            let magnitude = values().map(f64::abs).sum::<f64>() / count;
            (values().sum::<f64>() / count, SUM * magnitude)
        }
        PoolKind::LpTorch { p } => {
            let p = f64::from(p);
            let taps: f64 = work.axes.iter().map(|a| a.kernel as f64).product();
            let scale = taps / inside();
            let unit = Unit::of(values());
            let sum: f64 = values().map(|v| unit.power(v, p)).sum();
            let magnitude: f64 = values().map(|v| unit.power(v.abs(), p)).sum();
            let root = (sum * scale).powf(1.0 / p);
            // Where terms of both signs cancel, the root magnifies what is left of their errors.
            let error = 2.0 * SUM * magnitude * scale;
            // With p = 1 there is no root, and the sum may be negative.
            let bound = if p == 1.0 {
                error
            } else {
                let near = (sum * scale - error).max(0.0).powf(1.0 / p);
                let far = (sum * scale + error).powf(1.0 / p);
                of_powers(p, taps) * root + (far - near)
            };
            (unit.size * root, unit.size * bound)
        }
        PoolKind::Lp { p } => {
            let p = f64::from(p);
            let unit = Unit::of(values());
            let sum: f64 = values().map(|v| unit.power(v.abs(), p)).sum();
            let root = unit.size * sum.powf(1.0 / p);
            (root, of_powers(p, inside()) * root)
        }
    };
    Element { value, bound, position: None, signed_zero: false }
}

/// What powers of a window's elements are counted in: the largest magnitude, so that none leaves the range of 64-bit floats
/// when the root does not.
struct Unit {
    size: f64,
    infinite: bool,
}

impl Unit {
    fn of(values: impl Iterator<Item = f64>) -> Unit {
        let largest = values.fold(0.0, |largest: f64, v| largest.max(v.abs()));
        let usable = largest > 0.0 && largest.is_finite();
        Unit { size: if usable { largest } else { 1.0 }, infinite: largest.is_infinite() }
    }

    /// `x^p`. Beside what is infinite no number counts.
    fn power(&self, x: f64, p: f64) -> f64 {
        if self.infinite && x.is_finite() { 0.0 } else { (x / self.size).powf(p) }
    }
}

/// Whether the sign of a maximum that is zero is certain: a device that takes subnormal numbers for zero may find one of them
/// first.
pub(super) fn has_no_subnormals(
    dtype: DType,
    mut window: impl Iterator<Item = [usize; 3]>,
    value: impl Fn(&[usize; 3]) -> f64,
) -> bool {
    let smallest_normal = dtype.row().float.as_ref().map_or(0.0, |float| float.smallest_normal);
    window.all(|p| {
        let v = value(&p);
        v == 0.0 || v.abs() >= smallest_normal
    })
}

/// The largest value and where it is: the first of equal ones, the last NaN if there is any.
pub(super) fn maximum(
    window: impl Iterator<Item = [usize; 3]>,
    value: impl Fn(&[usize; 3]) -> f64,
    dtype: DType,
) -> (f64, Option<[usize; 3]>) {
    let mut max = dtype.row().lowest;
    let mut position = None;
    window.for_each(|p| {
        let v = value(&p);
        // The first counts whatever it is.
        if position.is_none() || v > max || v.is_nan() {
            (max, position) = (v, Some(p));
        }
    });
    // A window of negative zero alone keeps its sign.
    if let Some(p) = position {
        max = value(&p);
    }
    (max, position)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A power as far off as WGSL permits, to the side of `sign`. Close to 1 the error of `log2` is absolute.
    fn power(x: f64, y: f64, sign: f64) -> f64 {
        let log = match x.log2() {
            log if (-1.0..=1.0).contains(&log) => log + sign * 2f64.powi(-21),
            log => log + sign * 3.0 * EPS * log.abs(),
        };
        let e = y * log;
        e.exp2() * (1.0 + sign * EPS * (3.0 + 2.0 * e.abs()))
    }

    #[test]
    fn powers_that_are_as_far_off_as_they_may_be_stay_in_the_bound() {
        let mut beyond_sums = 0;
        for p in [1.25, 1.5, 3.0, 7.0, 20.0, 100.0, 200.0] {
            for taps in [1, 4, 100, 10_000, 1 << 20, 1 << 24] {
                // One largest element, and others that are smaller.
                for ratio in [1.0, 0.9, 0.3, 0.01, 1e-4] {
                    let sum = |power: &dyn Fn(f64, f64) -> f64| {
                        power(1.0, p) + f64::from(taps - 1) * power(ratio, p)
                    };
                    let exact = sum(&f64::powf).powf(1.0 / p);
                    for sign in [-1.0, 1.0] {
                        let root = power(sum(&|x, y| power(x, y, sign)), 1.0 / p, sign);
                        let off = (root - exact).abs() / exact;
                        assert!(off < of_powers(p, f64::from(taps)), "{p}, {taps} of {ratio}: {off:e}");
                        beyond_sums += usize::from(off > of_powers(p, 1.0));
                    }
                }
            }
        }
        assert!(beyond_sums > 50, "{beyond_sums}");
    }
}
