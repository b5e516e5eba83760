//! Cross-entropy, row by row in 64-bit floats.

use crate::error::Result;
use crate::host::output::fill;
use crate::problem::CrossEntropyWork;
use crate::tensor::Data;

/// Rows that are one task.
const ROWS: usize = 64;

/// The target of class `i`, which lies at `at`, in a row.
fn target(targets: &Data, row: usize, at: usize, i: usize) -> f64 {
    match targets {
        Data::F32(probabilities) => probabilities.get(at).copied().map_or(0.0, f64::from),
        Data::I32(labels) => f64::from(u8::from(labels.get(row).is_some_and(|&label| label as usize == i))),
        _ => 0.0,
    }
}

/// The logarithm of a row's sum of exponentials.
fn log_sum(row: impl Iterator<Item = f32> + Clone) -> f64 {
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    let largest = f64::from(row.clone().fold(f32::NEG_INFINITY, larger));
    largest + row.map(|x| (f64::from(x) - largest).exp()).sum::<f64>().ln()
}

pub(super) fn forward(work: &CrossEntropyWork, x: &[f32], targets: &Data) -> Result<Vec<f32>> {
    let rows = work.rows;
    let count = rows.outer * rows.inner;
    let losses = fill(count, ROWS, 1, |task, out: &mut [f64]| {
        for (number, out) in (task * ROWS..).zip(out) {
            let first = number / rows.inner * rows.length * rows.inner + number % rows.inner;
            let row = x[first..].iter().step_by(rows.inner).take(rows.length).copied();
            let all = log_sum(row.clone());
            let terms = row.enumerate().map(|(i, x)| {
                let t = target(targets, number, first + i * rows.inner, i);
                if t == 0.0 { 0.0 } else { t * (all - f64::from(x)) }
            });
            *out = terms.sum();
        }
    })?;
    Ok(vec![(losses.iter().sum::<f64>() * work.share()) as f32])
}

pub(super) fn backward(work: &CrossEntropyWork, g: f32, x: &[f32], targets: &Data) -> Result<Vec<f32>> {
    let rows = work.rows;
    let (block, scale) = (rows.length * rows.inner, f64::from(g) * work.share());
    fill(rows.outer * block, block, 1, |outer, out: &mut [f32]| {
        for inner in 0..rows.inner {
            let (number, first) = (outer * rows.inner + inner, outer * block + inner);
            let row = x[first..].iter().step_by(rows.inner).take(rows.length).copied();
            let all = log_sum(row.clone());
            let of = |i: usize| target(targets, number, first + i * rows.inner, i);
            let whole: f64 = (0..rows.length).map(of).sum();
            for (i, x) in row.enumerate() {
                let share = (f64::from(x) - all).exp();
                out[i * rows.inner + inner] = ((share * whole - of(i)) * scale) as f32;
            }
        }
    })
}
