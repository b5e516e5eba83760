//! Activations in 32-bit floats.

use super::element;
use super::output::{WORTH_SHARING, fill};
use super::simd::wide;
use crate::activation::ActivationKind;
use crate::error::Result;
use crate::problem::{ActivationWork, Epilogue};
use crate::spec::Activation;
use crate::tensor::{Data, Tensor};

/// Elements of one task.
const CHUNK: usize = 1 << 13;

pub(super) fn activation(work: &ActivationWork, x: &Tensor, slopes: &[&Tensor]) -> Result<Vec<Data>> {
    let (x, slopes) =
        (element::floats(x)?, slopes.first().map(|slopes| element::floats(slopes)).transpose()?);
    let y = fill(x.len(), CHUNK, WORTH_SHARING / CHUNK, |i, out: &mut [f32]| {
        out.copy_from_slice(&x[i * CHUNK..][..out.len()]);
        match &slopes {
            Some(slopes) => by_slopes(out, slopes, i * CHUNK, work.run),
            None => apply(work.activation, out),
        }
    })?;
    Ok(vec![element::stored(work.dtype, y)?])
}

impl Epilogue<'_, f32> {
    /// Applies the activation to `channels` output channels from `first` on: `run` neighbours each, again and again.
    pub(super) fn activate(&self, values: &mut [f32], first: usize, [channels, run]: [usize; 2]) {
        if self.slopes.is_empty() {
            return apply(self.activation, values);
        }
        for values in values.chunks_mut((channels * run).max(1)) {
            by_slopes(values, self.slopes, first * run, run);
        }
    }
}

/// PReLU of elements from `at` on, of which `run` neighbours have a slope.
fn by_slopes(mut values: &mut [f32], slopes: &[f32], mut at: usize, run: usize) {
    let run = if slopes.len() == 1 { usize::MAX } else { run.max(1) };
    while !values.is_empty() {
        let slopes = &slopes[at / run % slopes.len()..];
        let count = if run == 1 { slopes.len() } else { run - at % run };
        let (now, rest) = values.split_at_mut(count.min(values.len()));
        match run {
            1 => now.iter_mut().zip(slopes).for_each(|(x, slope)| *x = prelu(*x, *slope)),
            _ => (ActivationKind::PRelu.function().host)(now, [slopes[0], 0.0]),
        }
        (at, values) = (at + now.len(), rest);
    }
}

/// Applies `activation`, which is not PReLU, to each element; NaN stays NaN.
fn apply(activation: Activation, values: &mut [f32]) {
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

/// PReLU; NaN stays NaN.
#[inline(always)]
pub(crate) fn prelu(x: f32, slope: f32) -> f32 {
    if x > 0.0 { x } else { slope * x }
}
