//! The gradient of softmax by its definition.

use crate::problem::SoftmaxWork;
use crate::reference::Exact;
use crate::reference::tolerance::SUM;

pub(super) fn softmax(work: &SoftmaxWork, g: &[f64], y: &[f64], out: &mut Exact) {
    for outer in 0..work.outer {
        for inner in 0..work.inner {
            let at = |i: usize| (outer * work.length + i) * work.inner + inner;
            let terms = || (0..work.length).map(|i| g[at(i)] * y[at(i)]);
            let (mean, magnitude) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
            for i in 0..work.length {
                let at = at(i);
                out.values[at] = y[at] * (g[at] - mean);
                out.bound[at] = SUM * y[at].abs() * (g[at].abs() + magnitude);
            }
        }
    }
}
