//! Scales and shifts of channels become part of weights.

use crate::{IMAGE, conv, graph, joined, joined_on, names};
use wgpool::{
    Activation, BinaryFunction, Conv, ConvTranspose, DType, Data, Dense, DenseLayout, Elementwise,
    KernelLayout, Layout, Op, Operand, Padding, Tensor, TensorDesc,
};
use wgpool_net::{Graph, Program};
use wgpool_testing::support::numbers;

#[test]
fn scales_of_channels_join_the_weights() {
    let scaled = |shape: &'static [usize], activation: Activation| {
        graph(move |g, x| {
            let y = conv(g, x);
            let y = match activation {
                Activation::None => y,
                activation => g.at("before").one(activation, &[y]).unwrap(),
            };
            let (scale, shift) = (g.constant(numbers(shape, 3)), g.constant(numbers(shape, 4)));
            let formula = Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2));
            vec![g.at("scale").one(formula, &[y, scale, shift]).unwrap()]
        })
    };
    assert_eq!(names(&joined(&scaled(&[4, 1, 1], Activation::None))), ["conv+scale"]);
    assert_eq!(names(&joined(&scaled(&[1], Activation::None))), ["conv+scale"]);
    // Of each row, and behind an activation.
    assert_eq!(names(&joined(&scaled(&[8, 1], Activation::None))), ["conv", "scale"]);
    assert_eq!(names(&joined(&scaled(&[4, 1, 1], Activation::Relu))), ["conv+before", "scale"]);
    // The number from which the convolution is taken away, a negative scale.
    let from = graph(|g, x| {
        let (y, from) = (conv(g, x), g.constant(numbers(&[4, 1, 1], 3)));
        vec![g.at("from").one(Elementwise::subtract(), &[from, y]).unwrap()]
    });
    assert_eq!(names(&joined(&from)), ["conv+from"]);
}

/// The convolution, transposed or not, with two groups.
fn grouped(op: Op, kernel: [usize; 4], layout: Layout) -> Program {
    let mut g = Graph::new("joined");
    let x = g.input("x", TensorDesc::f32(IMAGE_OF_FOUR));
    let (kernel, bias) = (g.constant(numbers(&kernel, 1)), g.constant(numbers(&[6], 2)));
    let y = g.at("conv").one(op, &[x, kernel, bias]).unwrap();
    let shape: &[usize] = if layout == Layout::Nchw { &[6, 1, 1] } else { &[6] };
    let (scale, shift) = (g.constant(numbers(shape, 3)), g.constant(numbers(shape, 4)));
    let formula = Elementwise::multiply().then(BinaryFunction::Add, Operand::Input(2));
    let y = g.at("scale").one(formula, &[y, scale, shift]).unwrap();
    g.output("y", y);
    g.finish().unwrap()
}

const IMAGE_OF_FOUR: [usize; 4] = [2, 4, 4, 4];

#[test]
fn scales_join_weights_in_every_order() {
    for layout in [Layout::Nchw, Layout::Nhwc] {
        for kernel_layout in [KernelLayout::Oihw, KernelLayout::Hwio] {
            let conv = Conv::new().groups(2).layout(layout).kernel_layout(kernel_layout);
            let shape = if kernel_layout == KernelLayout::Oihw { [6, 2, 3, 3] } else { [3, 3, 2, 6] };
            let program = grouped(conv.into(), shape, layout);
            assert_eq!(
                names(&joined_on(&program, &IMAGE_OF_FOUR)),
                ["conv+scale"],
                "{layout} {kernel_layout:?}"
            );
            // Its kernel has the input's channels in place of the output's.
            let conv = ConvTranspose::new().groups(2).layout(layout).kernel_layout(kernel_layout);
            let shape = if kernel_layout == KernelLayout::Oihw { [4, 3, 3, 3] } else { [3, 3, 3, 4] };
            let program = grouped(conv.into(), shape, layout);
            assert_eq!(
                names(&joined_on(&program, &IMAGE_OF_FOUR)),
                ["conv+scale"],
                "{layout} {kernel_layout:?}"
            );
        }
    }
    for kernel_layout in [DenseLayout::InOut, DenseLayout::OutIn] {
        let mut g = Graph::new("joined");
        let x = g.input("x", TensorDesc::f32([2, 3]));
        let shape = if kernel_layout == DenseLayout::InOut { [3, 5] } else { [5, 3] };
        let kernel = g.constant(numbers(&shape, 1));
        let y = g.at("dense").one(Dense::new().kernel_layout(kernel_layout), &[x, kernel]).unwrap();
        let scale = g.constant(numbers(&[5], 3));
        let y = g.at("scale").one(Elementwise::multiply(), &[y, scale]).unwrap();
        g.output("y", y);
        let program = g.finish().unwrap();
        assert_eq!(names(&joined_on(&program, &[2, 3])), ["dense+scale"], "{kernel_layout:?}");
    }
}

#[test]
fn scales_stay_apart_where_numbers_would_be_lost() {
    let shifted = |by: f32, padding: Padding| {
        graph(move |g, x| {
            let (shift, kernel) = (
                g.constant(Tensor::from_f32(&[3, 1, 1], vec![by; 3]).unwrap()),
                g.constant(numbers(&[4, 3, 3, 3], 1)),
            );
            let y = g.at("shift").one(Elementwise::add(), &[x, shift]).unwrap();
            vec![g.at("conv").conv(y, kernel, None, Conv::new().padding(padding)).unwrap()]
        })
    };
    assert_eq!(names(&joined(&shifted(0.5, Padding::Valid))), ["shift+conv"]);
    assert_eq!(names(&joined(&shifted(0.5, Padding::symmetric([0, 0])))), ["shift+conv"]);
    assert_eq!(names(&joined(&shifted(0.5, Padding::symmetric([1, 1])))), ["shift", "conv"]);
    let far = shifted(-1e6, Padding::Valid).optimised().unwrap();
    assert_eq!(names(&far), ["shift", "conv"]);
    // Weights that would be infinite.
    let infinite = graph(|g, x| {
        let (y, scale) = (conv(g, x), g.constant(Tensor::from_f32(&[1], vec![f32::INFINITY]).unwrap()));
        vec![g.at("scale").one(Elementwise::multiply(), &[y, scale]).unwrap()]
    });
    assert_eq!(names(&infinite.optimised().unwrap()), ["conv", "scale"]);
    // Weights of 16 bits, which are not computed with.
    let mut g = Graph::new("joined");
    let half = |shape: &[usize]| {
        Tensor::new(
            shape,
            Data::nearest(DType::F16, numbers(shape, 1).as_f32().unwrap().iter().map(|&v| f64::from(v)))
                .unwrap(),
        )
        .unwrap()
    };
    let x = g.input("x", TensorDesc { shape: IMAGE.to_vec(), dtype: DType::F16 });
    let kernel = g.constant(half(&[4, 3, 3, 3]));
    let y = g.at("conv").conv(x, kernel, None, Conv::new()).unwrap();
    let twice = g.at("twice").one(Elementwise::add(), &[y, y]).unwrap();
    g.output("y", twice);
    assert_eq!(names(&g.finish().unwrap().optimised().unwrap()), ["conv", "twice"]);
}
