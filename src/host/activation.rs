//! Activations in 32-bit floats.

use super::exp::exp;
use super::output::{WORTH_SHARING, fill};
use super::simd::wide;
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

/// Applies `activation` to each element. NaN stays NaN: no comparison below holds for it.
pub(super) fn apply(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::None => {}
        Activation::Relu => each(
            values,
            #[inline(always)]
            |x| if x < 0.0 { 0.0 } else { x },
        ),
        Activation::Relu6 => each(
            values,
            #[inline(always)]
            |x| {
                let x = if x < 0.0 { 0.0 } else { x };
                if x > 6.0 { 6.0 } else { x }
            },
        ),
        Activation::LeakyRelu { alpha } => each(
            values,
            #[inline(always)]
            |x| if x < 0.0 { alpha * x } else { x },
        ),
        Activation::Sigmoid => each(values, sigmoid),
        Activation::Tanh => each(values, tanh),
        Activation::Silu => each(values, silu),
        Activation::Gelu => each(values, gelu),
        Activation::GeluTanh => each(values, gelu_tanh),
    }
}

#[inline(always)]
fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
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

/// `1 / (1 + exp(-x))`: for a large negative `x` the exponential is infinite and the result 0, as it should be.
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `x * sigmoid(x)`; minus infinity gives NaN, as the definition does.
#[inline(always)]
fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// By its odd polynomial near 0, where `1 - 2 / (exp(2x) + 1)` would lose all its digits.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let s = x * x;
    // The polynomial of the Cephes library, for |x| < 0.625.
    let mut p = -5.704_988_7e-3;
    p = p * s + 2.063_909e-2;
    p = p * s - 5.373_971_5e-2;
    p = p * s + 1.333_144_2e-1;
    p = p * s - 3.333_328e-1;
    let near = p * s * x + x;
    let far = (1.0 - 2.0 / (exp(2.0 * a) + 1.0)).copysign(x);
    if a < 0.625 { near } else { far }
}

/// By the complementary error function, which keeps its digits in the far negative tail.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * libm::erfcf(-x * std::f32::consts::FRAC_1_SQRT_2)
}

/// `x * (1 + tanh(u)) / 2` is `x * sigmoid(2u)`, which keeps its digits in the negative tail.
#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    const SCALE: f32 = 0.797_884_6;
    let u = SCALE * (x + 0.044_715 * x * x * x);
    x / (1.0 + exp(-2.0 * u))
}
