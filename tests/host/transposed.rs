//! Transposed convolution.

use wgpool::{ConvTranspose, DType, KernelLayout, Layout, Padding, Tensor};

use crate::cases::{Random, Values, activations, agrees, floats, layout, padding, shape, tensor};
use crate::conv::kernel_shape;

fn transposed_convolutions(seed: u64, cases: usize, input: &[Values], kernel: &[Values], types: &[DType]) {
    let mut random = Random::new(seed);
    let mut legal = 0;
    for _ in 0..cases {
        let rank = random.within(1, 3);
        let groups = random.pick(&[1, 1, 1, 2, 5]);
        let (group_in, group_out) = (random.pick(&[1, 2, 3, 20]), random.pick(&[1, 1, 2, 7, 70]));
        let stride = random.many(rank, 1, 3);
        let output_padding = if random.one_in(3) { random.many(rank, 0, 2) } else { vec![0] };
        let mut conv = ConvTranspose {
            stride,
            dilation: if random.one_in(3) { random.many(rank, 1, 3) } else { vec![1] },
            padding: padding(&mut random, rank, 4),
            output_padding,
            output: None,
            groups,
            activation: random.pick(&activations()),
            layout: layout(&mut random),
            kernel_layout: random.pick(&[KernelLayout::Oihw, KernelLayout::Hwio]),
        };
        let space = random.many(rank, 1, [30, 10, 5][rank - 1]);
        let window = random.many(rank, 1, [7, 4, 3][rank - 1]);
        if !matches!(conv.padding, Padding::Explicit { .. }) && random.one_in(3) {
            let at = |list: &[usize], axis: usize| list.get(axis).or(list.first()).copied().unwrap_or(1);
            let mut reach = |axis: usize| {
                let (s, d) = (at(&conv.stride, axis), at(&conv.dilation, axis));
                random.within(1, (space[axis] - 1) * s + d * (window[axis] - 1) + s.max(d))
            };
            conv.output = Some((0..rank).map(&mut reach).collect());
        }
        let (batch, dtype) = (random.within(0, 2), random.pick(types));
        let (values, weights) = (random.pick(input), random.pick(kernel));
        let x_shape = shape(conv.layout, batch, groups * group_in, &space);
        let x = tensor(&mut random, &x_shape, values, dtype);
        let w_shape = kernel_shape(conv.kernel_layout, groups * group_in, group_out, &window);
        let w = tensor(&mut random, &w_shape, weights, dtype);
        let b = tensor(&mut random, &[groups * group_out], Values::Mixed, dtype);
        let inputs: &[&Tensor] = if random.one_in(2) { &[&x, &w, &b] } else { &[&x, &w] };
        legal += usize::from(agrees(&conv.into(), inputs));
    }
    assert!(legal > cases / 3, "only {legal} of the cases were legal");
}

#[test]
fn transposed_convolution() {
    transposed_convolutions(
        21,
        300,
        &[Values::Mixed, Values::Positive],
        &[Values::Mixed, Values::Positive],
        floats(),
    );
    transposed_convolutions(22, 150, &[Values::Mixed, Values::Special], &[Values::Special], floats());
}

/// Large enough for ranges of rows, blocks of channels and long sums, over each axis that may be the outermost.
#[test]
fn large_transposed_convolutions_are_cut_into_tasks() {
    let mut random = Random::new(23);
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for (space, window) in
            [(vec![60, 33], vec![3, 4]), (vec![2000], vec![9]), (vec![9, 12, 20], vec![3, 2, 3])]
        {
            let (values, channels) = (random.pick(&[Values::Mixed, Values::Positive]), random.pick(&[3, 90]));
            let x = tensor(&mut random, &shape(layout, 1, channels, &space), values, DType::F32);
            let w_shape = kernel_shape(KernelLayout::Oihw, channels, 70, &window);
            let w = tensor(&mut random, &w_shape, Values::Positive, DType::F32);
            let padding = Padding::symmetric([1]);
            let conv = ConvTranspose { layout, ..ConvTranspose::new().stride([2]).padding(padding) };
            assert!(agrees(&conv.into(), &[&x, &w]));
        }
        let x = tensor(&mut random, &shape(layout, 2, 100, &[30, 11]), Values::Mixed, DType::F32);
        let w = tensor(&mut random, &[100, 1, 3, 3], Values::Mixed, DType::F32);
        let conv = ConvTranspose { layout, groups: 100, ..ConvTranspose::new().stride([2]) };
        assert!(agrees(&conv.into(), &[&x, &w]));
        // As many equal terms as possible.
        let x = Tensor::from_f32(&shape(layout, 1, 2, &[40, 40]), vec![0.1; 3200]).expect("tensor");
        let w = Tensor::from_f32(&[2, 1, 21, 21], vec![0.3; 2 * 441]).expect("tensor");
        let conv = ConvTranspose { layout, ..ConvTranspose::new() };
        assert!(agrees(&conv.into(), &[&x, &w]));
        let x = Tensor::from_f32(&shape(layout, 1, 3000, &[2, 2]), vec![0.1; 12_000]).expect("tensor");
        let w = Tensor::from_f32(&[3000, 2, 2, 2], vec![0.7; 24_000]).expect("tensor");
        let conv = ConvTranspose { layout, ..ConvTranspose::new() };
        assert!(agrees(&conv.into(), &[&x, &w]));
    }
}
