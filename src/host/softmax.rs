//! Softmax along any axis.

use super::element;
use super::exp::exp;
use super::output::{WORTH_SHARING, try_fill};
use crate::error::Result;
use crate::memory;
use crate::problem::SoftmaxWork;
use crate::tensor::{Data, Tensor};

pub(super) fn softmax(work: &SoftmaxWork, x: &Tensor) -> Result<Vec<Data>> {
    let &SoftmaxWork { dtype, outer, length, inner } = work;
    let x = element::floats(x)?;
    let block = length * inner;
    let batch = (WORTH_SHARING / 8).div_ceil(block.max(1));
    let y = try_fill(outer * block, block, batch, |o, out: &mut [f32]| {
        let x = &x[o * block..][..block];
        if inner > 1 {
            return rows(x, inner, out);
        }
        row(x, out);
        Ok(())
    })?;
    Ok(vec![element::stored(dtype, y)?])
}

/// Softmax over rows of `inner` elements, each column by itself.
fn rows(x: &[f32], inner: usize, out: &mut [f32]) -> Result<()> {
    let mut max = memory::filled(f32::NEG_INFINITY, inner)?;
    // In 64 bits, because a chain of many terms of about 1 would lose too many digits in 32.
    let mut sum = memory::filled(0f64, inner)?;
    wide!(|_| {
        for row in x.chunks_exact(inner) {
            for (m, &v) in max.iter_mut().zip(row) {
                *m = if v > *m || v.is_nan() { v } else { *m };
            }
        }
        for (row, out) in x.chunks_exact(inner).zip(out.chunks_exact_mut(inner)) {
            for ((y, &v), &m) in out.iter_mut().zip(row).zip(&max) {
                *y = exp(v - m);
            }
            for (s, &y) in sum.iter_mut().zip(out.iter()) {
                *s += f64::from(y);
            }
        }
        // The maximum's vector is reused for the factors.
        for (m, &s) in max.iter_mut().zip(&sum) {
            *m = (1.0 / s) as f32;
        }
        for out in out.chunks_exact_mut(inner) {
            for (y, &factor) in out.iter_mut().zip(&max) {
                *y *= factor;
            }
        }
    });
    Ok(())
}

/// Softmax of one contiguous row.
fn row(x: &[f32], out: &mut [f32]) {
    const LANES: usize = 16;
    wide!(|_| {
        let larger = |m: f32, v: f32| if v > m || v.is_nan() { v } else { m };
        let mut lanes = [f32::NEG_INFINITY; LANES];
        for x in x.chunks(LANES) {
            for (m, &v) in lanes.iter_mut().zip(x) {
                *m = larger(*m, v);
            }
        }
        let max = lanes.iter().fold(f32::NEG_INFINITY, |m, &v| larger(m, v));
        for (y, &v) in out.iter_mut().zip(x) {
            *y = exp(v - max);
        }
        let mut sums = [0f64; LANES];
        for y in out.chunks(LANES) {
            for (s, &y) in sums.iter_mut().zip(y) {
                *s += f64::from(y);
            }
        }
        let factor = (1.0 / sums.iter().sum::<f64>()) as f32;
        for y in out {
            *y *= factor;
        }
    });
}
