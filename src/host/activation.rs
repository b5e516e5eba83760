//! Activations in 32-bit floats.

use super::output::{WORTH_SHARING, fill};
use super::simd::wide;
use crate::activation::ActivationKind;
use crate::error::Result;
use crate::problem::ActivationWork;
use crate::spec::Activation;
use crate::tensor::Data;

/// Elements of one task.
const CHUNK: usize = 1 << 13;

pub(super) fn activation(work: &ActivationWork, x: &[f32]) -> Result<Vec<Data>> {
    let y = fill(x.len(), CHUNK, WORTH_SHARING / CHUNK, |i, out: &mut [f32]| {
        out.copy_from_slice(&x[i * CHUNK..][..out.len()]);
        apply(work.activation, out);
    })?;
    Ok(vec![Data::F32(y)])
}

/// Applies `activation` to each element; NaN stays NaN.
pub(super) fn apply(activation: Activation, values: &mut [f32]) {
    let (kind, parameters) = ActivationKind::of(activation);
    (kind.function().host)(values, parameters);
}

/// Applies `f`, a closure marked `#[inline(always)]`, to each element.
#[inline(always)]
pub(crate) fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
    wide(
        #[inline(always)]
        |_| {
            // By value: in place, the compiler stores what changes under a mask, which is slow.
            let (blocks, rest) = values.as_chunks_mut::<8>();
            for block in blocks {
                *block = block.map(&f);
            }
            for x in rest {
                *x = f(*x);
            }
        },
    );
}
