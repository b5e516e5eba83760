//! Max unpooling by its definition.

use super::Exact;
use crate::problem::UnpoolWork;

pub(super) fn unpool(work: &UnpoolWork, x: &[f64], indices: &[f64], y: &mut Exact) {
    work.for_each_input(|n, c, from| {
        let from = work.input.at(n, c, from);
        if let Some(to) = work.position(indices[from] as i64, n, c) {
            y.values[work.output.at(n, c, to)] = x[from];
        }
    });
}
