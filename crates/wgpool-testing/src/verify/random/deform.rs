//! Random deformable convolution.

use super::convolution::conv_spec;
use super::{Rng, output_lengths};
use wgpool::spec::{Activation, DeformConv, KernelLayout, Layout, Op};
use wgpool::tensor::TensorDesc;

pub(super) fn conv(rng: &mut Rng) -> (Op, Vec<TensorDesc>) {
    let (mut conv, mut inputs) = conv_spec(rng, false, 3);
    let rank = inputs[0].shape.len() - 2;
    // The shapes in the only order there is.
    if conv.layout == Layout::Nhwc {
        let channels = inputs[0].shape.remove(rank + 1);
        inputs[0].shape.insert(1, channels);
        conv.layout = Layout::Nchw;
    }
    if conv.kernel_layout == KernelLayout::Hwio {
        inputs[1].shape.rotate_right(2);
        inputs[1].shape.swap(0, 1);
        conv.kernel_layout = KernelLayout::Oihw;
    }
    let [x, w] = [0, 1].map(|i| inputs[i].shape.clone());
    // What cannot be placed is thrown away later.
    let out =
        output_lengths(&Op::from(conv.clone().activation(Activation::None)), &inputs).unwrap_or_default();
    let divisors: Vec<usize> = (1..=x[1].min(8)).filter(|&n| x[1].is_multiple_of(n)).collect();
    let offset_groups = divisors[rng.between(0, divisors.len() - 1)];
    let taps = w[2..].iter().product::<usize>() * offset_groups;
    let of_outputs = |channels: usize| TensorDesc::f32([&[x[0], channels], out.as_slice()].concat());
    let mask = rng.one_in(2);
    if mask {
        inputs.insert(1, of_outputs(taps));
    }
    inputs.insert(1, of_outputs(taps * rank));
    (DeformConv { conv, offset_groups, mask }.into(), inputs)
}
