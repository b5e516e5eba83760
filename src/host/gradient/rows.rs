//! Gradients of activations and softmax.

use crate::activation::gradient::Slope;
use crate::error::Result;
use crate::host::output::{WORTH_SHARING, fill};
use crate::host::values::Values;
use crate::problem::{ActivationWork, SoftmaxWork};

/// Elements of one task.
const CHUNK: usize = 1 << 12;

pub(super) fn activation(work: &ActivationWork, g: &[f32], x: &[f32]) -> Result<Vec<f32>> {
    let (slope, parameters) = Slope::of(work.activation);
    fill(work.elements, CHUNK, WORTH_SHARING / CHUNK, |i, out: &mut [f32]| {
        let range = i * CHUNK..i * CHUNK + out.len();
        (slope.host)(Values::Each(&g[range.clone()]), Values::Each(&x[range]), parameters, out);
    })
}

/// `y * (g - sum(g * y))` of each row; the sums in 64 bits.
pub(super) fn softmax(work: &SoftmaxWork, g: &[f32], y: &[f32]) -> Result<Vec<f32>> {
    let &SoftmaxWork { outer, length, inner, .. } = work;
    let block = length * inner;
    fill(outer * block, block, WORTH_SHARING.div_ceil(block.max(1)), |o, out: &mut [f32]| {
        let (g, y) = (&g[o * block..][..block], &y[o * block..][..block]);
        for s in 0..inner {
            let row = || g.iter().zip(y).skip(s).step_by(inner);
            let mean: f64 = row().map(|(&g, &y)| f64::from(g) * f64::from(y)).sum();
            for (out, (&g, &y)) in out.iter_mut().skip(s).step_by(inner).zip(row()) {
                *out = (f64::from(y) * (f64::from(g) - mean)) as f32;
            }
        }
    })
}
