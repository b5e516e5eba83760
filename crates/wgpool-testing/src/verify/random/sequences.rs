//! Random causal convolution.

use super::{Rng, activation, float};
use wgpool::spec::{CausalConv, Op};
use wgpool::tensor::TensorDesc;

pub(super) fn causal(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let dtype = float(rng, f16);
    let (batch, channels) = (rng.between(0, 3), rng.between(1, 20));
    // One in six decodes step by step, one in eight fills several pages.
    let length = match rng.between(0, 23) {
        0..=3 => 1,
        4..=6 => rng.between(1000, 4000),
        _ => rng.between(1, 80),
    };
    let taps = if rng.one_in(4) { rng.between(1, 70) } else { rng.between(1, 5) };
    let (state, bias) = (rng.one_in(2), rng.one_in(2));
    let mut shapes = vec![vec![batch, channels, length]];
    if state {
        shapes.push(vec![batch, channels, taps - 1]);
    }
    shapes.push(vec![channels, 1, taps]);
    if bias {
        shapes.push(vec![channels]);
    }
    let inputs = shapes.into_iter().map(|shape| TensorDesc { shape, dtype }).collect();
    (CausalConv { state, activation: activation(rng) }.into(), inputs)
}
