//! Activations, padding and pooling join convolutions; functions of elements join each other.

use crate::{IMAGE, conv, graph, joined, names};
use wgpool::{Activation, Conv, Elementwise, Op, Pad, PadMode, Pool};
use wgpool_testing::support::numbers;

#[test]
fn activations_and_slopes_join_convolutions() {
    let relu = graph(|g, x| {
        let y = conv(g, x);
        vec![g.at("relu").one(Activation::Relu, &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&relu)), ["conv+relu"]);
    let slope = graph(|g, x| {
        let (y, slope) = (conv(g, x), g.constant(numbers(&[1, 4, 1, 1], 5)));
        vec![g.at("prelu").one(Activation::PRelu, &[y, slope]).unwrap()]
    });
    assert_eq!(names(&joined(&slope)), ["conv+prelu"]);
    // A slope for each column is none of a channel.
    let columns = graph(|g, x| {
        let (y, slope) = (conv(g, x), g.constant(numbers(&[1, 1, 1, 8], 5)));
        vec![g.at("prelu").one(Activation::PRelu, &[y, slope]).unwrap()]
    });
    assert_eq!(names(&joined(&columns)), ["conv", "prelu"]);
    // One behind another, which are both kept.
    let two = graph(|g, x| {
        let y = conv(g, x);
        let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
        vec![g.at("tanh").one(Activation::Tanh, &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&two)), ["conv+relu", "tanh"]);
}

#[test]
fn nothing_joins_what_others_read() {
    let read_twice = graph(|g, x| {
        let y = conv(g, x);
        let relu = g.at("relu").one(Activation::Relu, &[y]).unwrap();
        vec![g.at("sum").one(Elementwise::add(), &[relu, y]).unwrap()]
    });
    assert_eq!(names(&joined(&read_twice)), ["conv", "relu+sum"]);
    let output = graph(|g, x| {
        let y = conv(g, x);
        vec![y, g.at("relu").one(Activation::Relu, &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&output)), ["conv", "relu"]);
}

#[test]
fn zeros_around_join_convolutions() {
    let padded = |pad: Pad| {
        graph(move |g, x| {
            let x = g.at("pad").one(pad, &[x]).unwrap();
            let kernel = g.constant(numbers(&[4, 3, 3, 3], 1));
            vec![g.at("conv").conv(x, kernel, None, Conv::new()).unwrap()]
        })
    };
    let zeros = Pad::new([0, 0, 1, 0], [0, 0, 2, 3]);
    assert_eq!(names(&joined(&padded(zeros.clone()))), ["pad+conv"]);
    assert_eq!(names(&joined(&padded(zeros.clone().mode(PadMode::Constant(1.0))))), ["pad", "conv"]);
    assert_eq!(names(&joined(&padded(zeros.mode(PadMode::Edge)))), ["pad", "conv"]);
    assert_eq!(names(&joined(&padded(Pad::new([0, 0, -1, 0], [0, 0, 0, 0])))), ["pad", "conv"]);
}

#[test]
fn pooling_of_windows_apart_joins_the_convolution() {
    let pooled = |pool: Pool| {
        graph(move |g, x| {
            let y = conv(g, x);
            let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
            vec![g.at("pool").one(pool, &[y]).unwrap()]
        })
    };
    let program = joined(&pooled(Pool::max([2, 2])));
    assert_eq!(names(&program), ["conv+relu+pool"]);
    assert!(matches!(program.steps[0].op(), Some(Op::ConvPool(_))));
    assert_eq!(names(&joined(&pooled(Pool::max([3, 3]).stride([2, 2])))), ["conv+relu", "pool"]);
}

#[test]
fn functions_of_elements_become_one() {
    let swish = graph(|g, x| {
        let sigmoid = g.at("sigmoid").one(Activation::Sigmoid, &[x]).unwrap();
        let y = g.at("times").one(Elementwise::multiply(), &[x, sigmoid]).unwrap();
        let other = g.constant(numbers(&IMAGE, 7));
        let y = g.at("less").one(Elementwise::subtract(), &[other, y]).unwrap();
        vec![g.at("clip").one(Elementwise::clip(-0.5, 0.5), &[y]).unwrap()]
    });
    assert_eq!(names(&joined(&swish)), ["sigmoid+times+less+clip"]);
    // A number for each channel would be computed again for each of its elements.
    let gate = graph(|g, x| {
        let each = g.at("mean").one(wgpool::GlobalPool::average(), &[x]).unwrap();
        let gate = g.at("sigmoid").one(Activation::Sigmoid, &[each]).unwrap();
        vec![g.at("times").one(Elementwise::multiply(), &[x, gate]).unwrap()]
    });
    assert_eq!(names(&joined(&gate)), ["mean", "sigmoid", "times"]);
    // A formula has so many steps.
    let long = graph(|g, mut x| {
        for _ in 0..Elementwise::MOST_STEPS + 8 {
            x = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        }
        vec![x]
    });
    assert_eq!(joined(&long).steps.len(), 2);
}
