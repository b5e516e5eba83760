//! Random convolution and dense layers.

use super::{Rng, activation, float, image, large_image, layout, padding, pooling, small};
use wgpool::spec::{
    Accuracy, Conv, ConvPool, ConvTranspose, Dense, DenseLayout, KernelLayout, Layout, Op, Padding, Pool,
};
use wgpool::tensor::TensorDesc;

fn kernel_layout(rng: &mut Rng) -> KernelLayout {
    if rng.one_in(2) { KernelLayout::Oihw } else { KernelLayout::Hwio }
}

/// Descriptions of an input, a kernel and perhaps a bias.
fn with_bias(rng: &mut Rng, f16: bool, x: Vec<usize>, w: Vec<usize>, out: usize) -> Vec<TensorDesc> {
    let dtype = float(rng, f16);
    let mut shapes = vec![x, w];
    if rng.one_in(2) {
        shapes.push(vec![out]);
    }
    shapes.into_iter().map(|shape| TensorDesc { shape, dtype }).collect()
}

/// An image of `rank` axes with that many channels.
fn image_of(rng: &mut Rng, rank: usize, layout: Layout, channels: usize) -> Vec<usize> {
    let mut x = image(rng, rank, layout, 1);
    match layout {
        Layout::Nchw => x[1] = channels,
        Layout::Nhwc => x[rank + 1] = channels,
    }
    x
}

pub(super) fn conv_spec(rng: &mut Rng, f16: bool, most_window: usize) -> (Conv, Vec<TensorDesc>) {
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let kernel_layout = kernel_layout(rng);
    // One in six has output channels enough for kernels that compute tiles of them.
    let wide = rng.one_in(6);
    let groups = if rng.one_in(2) { 1 } else { rng.between(1, if wide { 2 } else { 5 }) };
    // One in eight, and of the wide ones every other, has sums so long that every level of them is used.
    let long = rng.one_in(if wide { 2 } else { 8 });
    let most_in = match (long, rank) {
        (true, 1) => 1500,
        (true, _) if wide => 40,
        (true, _) => 70,
        _ => 5,
    };
    let group_out = if wide { rng.between(16, 70) } else { rng.between(1, 9) };
    let group_in = rng.between(1, most_in);
    let window: Vec<usize> = (0..rank).map(|_| rng.between(1, most_window)).collect();
    let x = image_of(rng, rank, layout, groups * group_in);
    let out = groups * group_out;
    let w = match kernel_layout {
        KernelLayout::Oihw => [&[out, group_in], window.as_slice()].concat(),
        KernelLayout::Hwio => [window.as_slice(), &[group_in, out]].concat(),
    };
    let spec = Conv {
        stride: small(rng, rank, 3),
        dilation: small(rng, rank, 3),
        padding: padding(rng, rank, 5),
        groups,
        activation: activation(rng),
        layout,
        kernel_layout,
        accuracy: Accuracy::Element,
        residual: false,
    };
    (spec, with_bias(rng, f16, x, w, out))
}

/// A convolution of each channel by itself.
fn depthwise(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let (mut spec, mut inputs) = conv_spec(rng, f16, 4);
    let rank = inputs[0].shape.len() - 2;
    let channels = rng.between(1, 12);
    inputs[0].shape = if rng.one_in(4) {
        let mut x = large_image(rng, rank, spec.layout, 1);
        x[if spec.layout == Layout::Nchw { 1 } else { rank + 1 }] = channels;
        x
    } else {
        image_of(rng, rank, spec.layout, channels)
    };
    let window: Vec<usize> = match rng.between(0, 2) {
        0 => (0..rank).map(|_| rng.between(1, 7)).collect(),
        _ => vec![rng.between(2, 3); rank],
    };
    inputs[1].shape = match spec.kernel_layout {
        KernelLayout::Oihw => [&[channels, 1], window.as_slice()].concat(),
        KernelLayout::Hwio => [window.as_slice(), &[1, channels]].concat(),
    };
    if let Some(bias) = inputs.get_mut(2) {
        bias.shape = vec![channels];
    }
    spec.groups = channels;
    (spec.into(), inputs)
}

pub(super) fn conv(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    if rng.one_in(4) {
        return depthwise(rng, f16);
    }
    let (spec, inputs) = conv_spec(rng, f16, 4);
    (spec.into(), inputs)
}

pub(super) fn conv_pool(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let (conv, inputs) = conv_spec(rng, f16, 3);
    let rank = inputs[0].shape.len() - 2;
    let kind = pooling::max_or_mean(rng);
    let mut pool = pooling::window(rng, kind, rank, conv.layout, 3);
    // Half are the plain pooling that networks have, whose windows touch and cover everything once.
    if rng.one_in(2) {
        pool.stride = pool.window.clone();
        pool.dilation = vec![1];
        pool.padding = Padding::Valid;
    }
    (ConvPool { conv, pool }.into(), inputs)
}

/// Windows of 3 by 3, so many of them and of channels that tiles may compute them, and some that they may not.
pub(super) fn by_tile(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let layout = if rng.one_in(4) { Layout::Nhwc } else { Layout::Nchw };
    let kernel_layout = kernel_layout(rng);
    let groups = if rng.one_in(5) { 2 } else { 1 };
    let group_in = if rng.one_in(3) { rng.between(60, 140) } else { rng.between(1, 30) };
    let group_out = if rng.one_in(4) { rng.between(1, 15) } else { rng.between(16, 40) };
    let x = image_of(rng, 2, layout, groups * group_in);
    let out = groups * group_out;
    let w = match kernel_layout {
        KernelLayout::Oihw => vec![out, group_in, 3, 3],
        KernelLayout::Hwio => vec![3, 3, group_in, out],
    };
    let conv = Conv {
        padding: padding(rng, 2, 4),
        groups,
        activation: activation(rng),
        layout,
        kernel_layout,
        accuracy: Accuracy::Tile,
        ..Conv::new()
    };
    let descs = with_bias(rng, f16, x, w, out);
    if !rng.one_in(3) {
        return (conv.into(), descs);
    }
    let kind = pooling::max_or_mean(rng);
    let pool = match rng.one_in(3) {
        true => pooling::window(rng, kind, 2, layout, 3),
        false => Pool::max([2, 2]).layout(layout),
    };
    (ConvPool { conv, pool }.into(), descs)
}

/// Those of the other families.
pub(super) fn by_chain(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let (mut op, descs) = match rng.between(0, 3) {
        0 => conv_pool(rng, f16),
        1 => by_tile(rng, f16),
        _ => conv(rng, f16),
    };
    match &mut op {
        Op::Conv(conv) => conv.accuracy = Accuracy::Chain,
        Op::ConvPool(both) => both.conv.accuracy = Accuracy::Chain,
        _ => {}
    }
    (op, descs)
}

pub(super) fn transposed(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let kernel_layout = kernel_layout(rng);
    let groups = if rng.one_in(2) { 1 } else { rng.between(1, 4) };
    let most_in = if rng.one_in(8) { 70 } else { 5 };
    let (group_in, group_out) = (rng.between(1, most_in), rng.between(1, 6));
    let window: Vec<usize> = (0..rank).map(|_| rng.between(1, 4)).collect();
    // The output is longer than the input by the stride.
    let longest = [40, 12, 5][rank - 1];
    let mut x = image_of(rng, rank, layout, groups * group_in);
    let first = if layout == Layout::Nchw { 2 } else { 1 };
    for length in &mut x[first..first + rank] {
        *length = rng.between(1, longest);
    }
    let w = match kernel_layout {
        KernelLayout::Oihw => [&[groups * group_in, group_out], window.as_slice()].concat(),
        KernelLayout::Hwio => [window.as_slice(), &[group_out, groups * group_in]].concat(),
    };
    let stride = small(rng, rank, 3);
    let padding = padding(rng, rank, 3);
    let mut output = (!matches!(padding, Padding::Explicit { .. }) && rng.one_in(3)).then(|| {
        let lengths = x[first..first + rank].iter().zip(&stride);
        lengths.map(|(&l, &s)| rng.between((l - 1) * s + 1, l * s + 3)).collect::<Vec<_>>()
    });
    let output_padding = stride.iter().map(|&s| if rng.one_in(2) { 0 } else { rng.between(0, s) }).collect();
    let dilation = small(rng, rank, 3);
    for (axis, length) in output.iter_mut().flatten().enumerate() {
        let [l, k, s, d] = [x[first + axis], window[axis], stride[axis], dilation[axis]];
        *length = (*length).min((l - 1) * s + d * (k - 1) + s.max(d));
    }
    let spec = ConvTranspose {
        output_padding,
        stride,
        dilation,
        padding,
        output,
        groups,
        activation: activation(rng),
        layout,
        kernel_layout,
    };
    let inputs = with_bias(rng, f16, x, w, groups * group_out);
    (spec.into(), inputs)
}

pub(super) fn dense(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let features = if rng.one_in(3) { rng.between(250, 700) } else { rng.between(1, 40) };
    let outputs = rng.between(1, 20);
    let mut x: Vec<usize> = (0..rng.between(0, 3)).map(|_| rng.between(1, 5)).collect();
    x.push(features);
    let in_out = rng.one_in(2);
    let w = if in_out { vec![features, outputs] } else { vec![outputs, features] };
    let kernel_layout = if in_out { DenseLayout::InOut } else { DenseLayout::OutIn };
    let inputs = with_bias(rng, f16, x, w, outputs);
    (Dense { activation: activation(rng), kernel_layout }.into(), inputs)
}
