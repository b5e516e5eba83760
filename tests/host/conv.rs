//! Convolution.

use wgpool::{Conv, DType, KernelLayout, Layout, Op, Padding, Tensor, host};

use crate::cases::{
    Random, Values, activations, agrees, layout, longest, padding, shape, tensor, with_threads,
};

pub fn random_conv(random: &mut Random, rank: usize, groups: usize) -> Conv {
    Conv {
        stride: if random.one_in(2) { vec![1] } else { random.many(rank, 1, 3) },
        dilation: if random.one_in(3) { random.many(rank, 1, 3) } else { vec![1] },
        padding: padding(random, rank, 4),
        groups,
        activation: random.pick(&activations()),
        layout: layout(random),
        kernel_layout: random.pick(&[KernelLayout::Oihw, KernelLayout::Hwio]),
        ..Conv::new()
    }
}

pub fn kernel_shape(layout: KernelLayout, out: usize, group_in: usize, window: &[usize]) -> Vec<usize> {
    match layout {
        KernelLayout::Oihw => [&[out, group_in], window].concat(),
        KernelLayout::Hwio => [window, &[group_in, out]].concat(),
    }
}

/// Few pixels and many channels: the channels are what threads divide among them, however many they are.
#[test]
fn convolution_of_few_pixels() {
    let mut random = Random::new(27);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for kernel_layout in [KernelLayout::Oihw, KernelLayout::Hwio] {
            for (groups, group_out) in [(1, 330), (1, 65), (2, 90), (1, 513)] {
                for window in [[1, 1], [3, 3]] {
                    let x = tensor(
                        &mut random,
                        &shape(layout, 2, 40 * groups, &[5, 6]),
                        Values::Positive,
                        DType::F32,
                    );
                    let w_shape = kernel_shape(kernel_layout, groups * group_out, 40, &window);
                    let w = tensor(&mut random, &w_shape, Values::Mixed, DType::F32);
                    let conv = Conv::new().groups(groups).layout(layout).kernel_layout(kernel_layout).into();
                    assert!(with_threads(|| agrees(&conv, &[&x, &w])));
                }
            }
        }
    }
}

/// Planes of every width, whose rows fill registers or not, and windows whose neighbours are apart in memory.
#[test]
fn depthwise_planes() {
    let mut random = Random::new(71);
    for width in (1..40).chain([127, 128, 129, 300]) {
        for stride in [1, 2, 3] {
            let side = random.pick(&[1, 3, 5]);
            let height = random.within(1, 20);
            let conv = Conv {
                stride: vec![random.within(1, 2), stride],
                dilation: random.pick(&[vec![1], vec![2, 1], vec![1, 3]]),
                padding: Padding::Explicit { before: vec![side / 2, 2], after: vec![side / 2, side] },
                groups: 3,
                ..Conv::new()
            };
            let outputs = random.within(1, 2);
            let x = tensor(&mut random, &[2, 3, height + 2 * side, width + side], Values::Mixed, DType::F32);
            let w = tensor(&mut random, &[3 * outputs, 1, side, side], Values::Mixed, DType::F32);
            assert!(agrees(&conv.into(), &[&x, &w]), "width {width}, stride {stride}, window {side}");
        }
    }
    // Strides along three axes, and more taps than are added in one chain.
    for (window, stride) in [([2, 3, 3], [2, 2, 2]), ([1, 9, 9], [1, 3, 2]), ([3, 1, 1], [2, 1, 4])] {
        let conv = Conv::new().groups(2).stride(stride).padding(Padding::symmetric([1, 1, 1]));
        let x = tensor(&mut random, &[1, 2, 5, 13, 21], Values::Mixed, DType::F32);
        let w = tensor(&mut random, &[[2, 1].as_slice(), &window].concat(), Values::Mixed, DType::F32);
        assert!(agrees(&conv.into(), &[&x, &w]), "window {window:?}, stride {stride:?}");
    }
}

fn convolutions(seed: u64, cases: usize, input: &[Values], kernel: &[Values]) {
    let mut random = Random::new(seed);
    convolutions_of(&mut random, cases, input, kernel, DType::F32);
    convolutions_of(&mut random, cases / 4, input, kernel, DType::F16);
    convolutions_of(&mut random, cases / 4, input, kernel, DType::BF16);
}

fn convolutions_of(random: &mut Random, cases: usize, input: &[Values], kernel: &[Values], dtype: DType) {
    let mut legal = 0;
    for _ in 0..cases {
        let rank = random.within(1, 3);
        let groups = random.pick(&[1, 1, 1, 2, 5]);
        let (group_in, group_out) = (random.pick(&[1, 2, 3, 20]), random.pick(&[1, 2, 3, 7, 40]));
        let conv = random_conv(random, rank, groups);
        let space = random.many(rank, 1, longest(rank));
        let window = random.many(rank, 1, [7, 5, 3][rank - 1]);
        let batch = random.within(0, 2);
        let (values, weights) = (random.pick(input), random.pick(kernel));
        let x_shape = shape(conv.layout, batch, groups * group_in, &space);
        let out = groups * group_out;
        let x = tensor(random, &x_shape, values, dtype);
        let w_shape = kernel_shape(conv.kernel_layout, out, group_in, &window);
        let w = tensor(random, &w_shape, weights, dtype);
        let b = tensor(random, &[out], Values::Mixed, dtype);
        let with_bias = random.one_in(2);
        let inputs: &[&Tensor] = if with_bias { &[&x, &w, &b] } else { &[&x, &w] };
        legal += usize::from(agrees(&conv.into(), inputs));
    }
    assert!(legal > cases / 3, "only {legal} of the cases were legal");
}

#[test]
fn convolution() {
    convolutions(9, 400, &[Values::Mixed, Values::Positive], &[Values::Mixed, Values::Positive]);
}

#[test]
fn convolution_of_special_values() {
    convolutions(10, 150, &[Values::Special], &[Values::Mixed]);
    convolutions(11, 150, &[Values::Mixed, Values::Special], &[Values::Special]);
}

#[test]
fn an_infinite_weight_in_the_padding_gives_nan_or_the_sum_inside() {
    let x = Tensor::from_f32(&[1, 1, 1, 2], vec![1.0, 2.0]).expect("tensor");
    let w = Tensor::from_f32(&[1, 1, 1, 3], vec![f32::INFINITY, 1.0, 1.0]).expect("tensor");
    let conv = Op::from(Conv::new().padding(Padding::SameUpper));
    let y = host::run(&conv, &[&x, &w]).expect("host path");
    let y = y[0].as_f32().expect("f32");
    assert!(y[0] == 3.0 || y[0].is_nan(), "{y:?}");
    assert_eq!(y[1], f32::INFINITY);
}
