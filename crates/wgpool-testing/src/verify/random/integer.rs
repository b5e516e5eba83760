//! Random integer convolution.

use super::Rng;
use super::convolution::conv_spec;
use wgpool::spec::{Activation, ConvInteger, KernelLayout, Op, Requantize};
use wgpool::tensor::{DType, TensorDesc};

fn byte(rng: &mut Rng) -> DType {
    if rng.one_in(2) { DType::U8 } else { DType::I8 }
}

/// One number, or one for each of `channels`.
fn count(rng: &mut Rng, channels: usize) -> Vec<usize> {
    match rng.between(0, 3) {
        0 => vec![],
        1 => vec![1],
        _ => vec![channels],
    }
}

pub(super) fn conv(rng: &mut Rng) -> (Op, Vec<TensorDesc>) {
    let (mut conv, floats) = conv_spec(rng, false, 4);
    conv.activation = Activation::None;
    let out = match conv.kernel_layout {
        KernelLayout::Oihw => floats[1].shape[0],
        KernelLayout::Hwio => floats[1].shape.last().copied().unwrap_or(0),
    };
    let (input, kernel) = (byte(rng), byte(rng));
    let of = |dtype: DType, shape: Vec<usize>| TensorDesc { shape, dtype };
    let mut inputs = vec![
        of(input, floats[0].shape.clone()),
        of(kernel, floats[1].shape.clone()),
        of(input, if rng.one_in(2) { vec![] } else { vec![1] }),
        of(kernel, count(rng, out)),
    ];
    let requantize = rng.one_in(2).then(|| {
        let output = byte(rng);
        let zero = rng.between(0, 255) as i32 - if output == DType::I8 { 128 } else { 0 };
        inputs.push(of(DType::F32, count(rng, out)));
        if rng.one_in(2) {
            inputs.push(of(DType::I32, vec![out]));
        }
        Requantize { output, zero }
    });
    (ConvInteger { conv, requantize }.into(), inputs)
}
