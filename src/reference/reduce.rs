//! Axes made one value by the definition, and how far a correct implementation may be from it.

use super::Exact;
use super::strided::address;
use super::tolerance::{EPS, SUM};
use crate::error::Result;
use crate::memory;
use crate::problem::{ArgWork, ReduceWork};
use crate::spec::{ArgKind, PadMode, ReduceKind};

pub(super) fn reduce(work: &ReduceWork, x: &[f64], y: &mut Exact) -> Result<()> {
    let smallest = work.dtype.row().float.as_ref().map_or(0.0, |float| float.smallest_normal);
    for o in 0..y.values.len() {
        let base = address(&work.kept, o, PadMode::Edge).unwrap_or(0);
        let elements = (0..work.length()).filter_map(|i| address(&work.reduced, i, PadMode::Edge));
        let elements = elements.map(|at| x[(base + at) as usize]);
        let one = value(work, elements, smallest);
        (y.values[o], y.bound[o]) = (one.value, one.bound);
        if one.or_nan {
            if y.or_nan.is_empty() {
                y.or_nan = memory::filled(false, y.values.len())?;
            }
            y.or_nan[o] = true;
        }
    }
    Ok(())
}

struct One {
    value: f64,
    bound: f64,
    or_nan: bool,
}

fn value(work: &ReduceWork, elements: impl Iterator<Item = f64> + Clone, smallest: f64) -> One {
    let count = work.length() as f64;
    let sum = || elements.clone().sum::<f64>();
    let magnitude = || elements.clone().map(f64::abs).sum::<f64>();
    let squares = || elements.clone().map(|x| x * x).sum::<f64>();
    let larger = |most: f64, x: f64| if x > most || x.is_nan() { x } else { most };
    let largest = |sign: f64| elements.clone().map(|x| sign * x).fold(f64::NEG_INFINITY, larger);
    let (value, bound) = match work.kind {
        ReduceKind::Sum => (sum(), SUM * magnitude()),
        ReduceKind::Mean => (sum() / count, SUM * magnitude() / count),
        ReduceKind::Max => (largest(1.0), 0.0),
        ReduceKind::Min => (-largest(-1.0), 0.0),
        ReduceKind::Prod => return product(elements, count, smallest),
        ReduceKind::L1 => (magnitude(), SUM * magnitude()),
        ReduceKind::L2 => (squares().sqrt(), 2.0 * SUM * squares().sqrt()),
        ReduceKind::SumSquare => (squares(), SUM * squares()),
        ReduceKind::LogSum => return logarithm(sum(), SUM * magnitude()),
        ReduceKind::LogSumExp => {
            let largest = largest(1.0);
            if !largest.is_finite() {
                return One { value: largest, bound: 0.0, or_nan: false };
            }
            // The difference is rounded, and the exponential's error grows with it: in the sum it is at most ln(count).
            let value = largest + elements.map(|x| (x - largest).exp()).sum::<f64>().ln();
            (value, SUM * (2.0 + count.ln() + value.abs() + largest.abs()))
        }
    };
    One { value, bound, or_nan: false }
}

/// A rounding for each element.
fn product(elements: impl Iterator<Item = f64> + Clone, count: f64, smallest: f64) -> One {
    // As a number and a power of two, so that no part of it leaves the range.
    let (mut number, mut power) = (1.0f64, 0i64);
    for x in elements.clone() {
        number *= x;
        while number.is_finite() && number.abs() >= 2.0 {
            (number, power) = (number / 2.0, power + 1);
        }
        while number != 0.0 && number.abs() < 1.0 {
            (number, power) = (number * 2.0, power - 1);
        }
    }
    let half = (power.clamp(-2000, 2000) / 2) as i32;
    let value = number * 2f64.powi(half) * 2f64.powi(power.clamp(-2000, 2000) as i32 - half);
    // What the device takes for zero makes it zero, or NaN beside an infinity.
    let flushed = elements.clone().any(|x| x != 0.0 && x.abs() < smallest);
    let or_nan = flushed && elements.clone().any(f64::is_infinite);
    let bound = if flushed { value.abs() } else { count * EPS * value.abs() };
    One { value, bound, or_nan }
}

/// The logarithm of a sum within `bound` of `sum`, which WGSL gives within 2^-21, or three units in the last place.
fn logarithm(sum: f64, bound: f64) -> One {
    let least = f64::from(f32::MIN_POSITIVE);
    if sum.is_finite() && sum.abs() <= bound + least && (bound > 0.0 || sum != 0.0) {
        // The sum may be negative or zero: it is anything below its largest.
        return One { value: -1.0, bound: f64::INFINITY, or_nan: true };
    }
    let value = sum.ln();
    One { value, bound: SUM * (1.0 + value.abs()) + bound / (sum - bound), or_nan: false }
}

pub(super) fn arg(work: &ArgWork, x: &[f64], y: &mut Exact) {
    for (o, index) in y.values.iter_mut().enumerate() {
        let at = |i: usize| x[(o / work.inner * work.length + i) * work.inner + o % work.inner];
        let mut best = 0;
        for i in 1..work.length {
            let (known, new) =
                if work.kind == ArgKind::Max { (at(best), at(i)) } else { (-at(best), -at(i)) };
            let same = known == new || known.is_nan() && new.is_nan();
            let before = new > known || new.is_nan() && !known.is_nan();
            if before || same && work.last {
                best = i;
            }
        }
        *index = best as f64;
    }
}
