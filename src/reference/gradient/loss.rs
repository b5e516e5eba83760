//! Cross-entropy by its definition.

use crate::problem::CrossEntropyWork;
use crate::reference::Exact;
use crate::reference::tolerance::{EPS, SUM};

/// A row: the largest logit, the logarithm of the sum of exponentials, and how far an exponential's share may be off, per unit of it.
struct Row {
    log_sum: f64,
    largest: f64,
}

fn row(work: &CrossEntropyWork, x: &[f64], at: impl Fn(usize) -> usize) -> Row {
    let larger = |a: f64, b: f64| if b > a || b.is_nan() { b } else { a };
    let largest = (0..work.rows.length).fold(f64::NEG_INFINITY, |largest, i| larger(largest, x[at(i)]));
    let sum: f64 = (0..work.rows.length).map(|i| (x[at(i)] - largest).exp()).sum();
    Row { log_sum: largest + sum.ln(), largest }
}

/// The target of class `i` in a row: of labels 1 for one of them.
fn target(work: &CrossEntropyWork, targets: &[f64], row: usize, at: usize, i: usize) -> f64 {
    match work.probabilities {
        true => targets[at],
        false => f64::from(u8::from(targets[row] == i as f64)),
    }
}

/// Calls `f` with the number of each row and where its elements are.
fn for_each_row(work: &CrossEntropyWork, mut f: impl FnMut(usize, &dyn Fn(usize) -> usize)) {
    let rows = work.rows;
    for outer in 0..rows.outer {
        for inner in 0..rows.inner {
            f(outer * rows.inner + inner, &|i| (outer * rows.length + i) * rows.inner + inner);
        }
    }
}

pub(super) fn forward(work: &CrossEntropyWork, x: &[f64], targets: &[f64], y: &mut Exact) {
    let (mut sum, mut magnitude) = (0.0, 0.0);
    for_each_row(work, |number, at| {
        let Row { log_sum, largest } = row(work, x, at);
        for i in 0..work.rows.length {
            let t = target(work, targets, number, at(i), i);
            if t != 0.0 {
                sum += t * (log_sum - x[at(i)]);
                // Each difference is of numbers relative to the largest, and of a logarithm that is off by a few units of 1.
                let spread = (log_sum - largest).abs() + (largest - x[at(i)]).abs() + 1.0;
                magnitude += t.abs() * spread;
            }
        }
    });
    y.values[0] = sum * work.share();
    y.bound[0] = SUM * magnitude * work.share();
}

pub(super) fn backward(work: &CrossEntropyWork, g: f64, x: &[f64], targets: &[f64], y: &mut Exact) {
    let scale = g * work.share();
    for_each_row(work, |number, at| {
        let Row { log_sum, .. } = row(work, x, at);
        let of = |i: usize| target(work, targets, number, at(i), i);
        let whole: f64 = (0..work.rows.length).map(of).sum();
        let size: f64 = (0..work.rows.length).map(|i| of(i).abs()).sum();
        for i in 0..work.rows.length {
            let below = x[at(i)] - log_sum;
            let share = below.exp();
            y.values[at(i)] = (share * whole - of(i)) * scale;
            // WGSL permits an exponential 3 + 2 |x| units in the last place, and the differences have roundings of their own.
            let exponential = share * size * (2.0 * SUM + 4.0 * EPS * below.abs());
            y.bound[at(i)] = (exponential + SUM * of(i).abs() + f64::from(f32::MIN_POSITIVE)) * scale.abs();
        }
    });
}
