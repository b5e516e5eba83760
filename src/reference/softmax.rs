//! Softmax by its definition.

use super::Exact;
use super::tolerance::SUM;
use crate::problem::SoftmaxWork;

pub(super) fn softmax(work: &SoftmaxWork, x: &[f64], y: &mut Exact) {
    for outer in 0..work.outer {
        for inner in 0..work.inner {
            let at = |i: usize| (outer * work.length + i) * work.inner + inner;
            let mut max = f64::NEG_INFINITY;
            for i in 0..work.length {
                let v = x[at(i)];
                if v > max || v.is_nan() {
                    max = v;
                }
            }
            let sum: f64 = (0..work.length).map(|i| (x[at(i)] - max).exp()).sum();
            for i in 0..work.length {
                let below = max - x[at(i)];
                let value = (-below).exp() / sum;
                y.values[at(i)] = value;
                // exp's error grows with its argument; in the sum, the mean argument is at most ln(length).
                let units = 2.0 + below + (work.length as f64).ln();
                y.bound[at(i)] = SUM * value * if below.is_finite() { units } else { 1.0 };
            }
        }
    }
}
