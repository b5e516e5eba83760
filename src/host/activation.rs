//! Activations in 32-bit floats.

use rayon::prelude::*;

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
    /// Adds the residual to a whole output with bias, and applies the activation; `run` neighbours are of one channel.
    pub(super) fn finish(&self, y: &mut [f32], run: usize) {
        let task = |(i, y): (usize, &mut [f32])| {
            self.add_residual(y, i * CHUNK, f32::NEG_INFINITY);
            match self.slopes {
                [] => apply(self.activation, y),
                slopes => by_slopes(y, slopes, i * CHUNK, run),
            }
        };
        y.par_chunks_mut(CHUNK).with_min_len(WORTH_SHARING / CHUNK).enumerate().for_each(task);
    }

    /// Adds the residual to elements from `at` on, if there is one, and raises what is lower to `floor`; NaN stays NaN.
    #[inline(always)]
    pub(super) fn add_residual(&self, y: &mut [f32], at: usize, floor: f32) {
        let residual = self.residual.and_then(|residual| residual.get(at..at + y.len()));
        let Some(residual) = residual else { return };
        let (blocks, rest) = y.as_chunks_mut::<8>();
        let (residuals, last) = residual.as_chunks::<8>();
        let sum = |y: f32, residual: f32| {
            let sum = y + residual;
            if sum < floor { floor } else { sum }
        };
        for (y, residual) in blocks.iter_mut().zip(residuals) {
            // By value: in place, the compiler takes one element after the other.
            let added: [f32; 8] = std::array::from_fn(|i| sum(y[i], residual[i]));
            *y = added;
        }
        rest.iter_mut().zip(last).for_each(|(y, residual)| *y = sum(*y, *residual));
    }

    /// The least value that an activation leaves, where that is all it does.
    pub(super) fn floor(&self) -> f32 {
        if self.activation == Activation::Relu { 0.0 } else { f32::NEG_INFINITY }
    }

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
