//! Transpositions cancel each other.

use crate::{graph, joined, names};
use wgpool::{
    Activation, AsStrided, Backend, Concat, Conv, Elementwise, Op, Pad, PadMode, Padding, Reduce, ReduceKind,
    Resize, Softmax, UnaryFunction,
};
use wgpool_net::{Graph, Program, Value};
use wgpool_testing::support::numbers;

fn transposed(g: &mut Graph, name: &str, x: Value, order: [usize; 4]) -> Value {
    let shape = g.desc(x).unwrap().shape.clone();
    g.at(name).one(AsStrided::transpose(&shape, &order).unwrap(), &[x]).unwrap()
}

/// As exporters write a convolution of channels that lie last: its transpositions, and a bias added behind them.
fn conv_last(g: &mut Graph, name: &str, x: Value, seed: u32) -> Value {
    let channels = g.desc(x).unwrap().shape[3];
    let kernel = g.constant(numbers(&[4, channels, 3, 3], seed));
    let bias = g.constant(numbers(&[4], seed + 1));
    let x = transposed(g, &format!("{name}/first"), x, [0, 3, 1, 2]);
    let y = g.at(name).conv(x, kernel, None, Conv::new().padding(Padding::SameUpper)).unwrap();
    let y = transposed(g, &format!("{name}/last"), y, [0, 2, 3, 1]);
    g.at(format!("{name}/bias")).one(Elementwise::add(), &[y, bias]).unwrap()
}

/// How many transpositions are left.
fn left(program: &Program) -> usize {
    program.steps.iter().filter(|step| matches!(step.op(), Some(Op::AsStrided(_)))).count()
}

/// The pairs of a rule that were joined, or were not.
fn said(program: &Program, refused: bool) -> Vec<(&str, &str)> {
    let of = program.fusions.iter().filter(|f| f.rule == "transposition" && f.refused.is_some() == refused);
    of.map(|f| (f.first.as_str(), f.second.as_str())).collect()
}

#[test]
fn transpositions_around_convolutions_cancel_each_other() {
    // Channels of the image lie in axis 1; the graph's own layout has them last.
    let program = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        let a = conv_last(g, "a", x, 1);
        let a = g.at("relu").one(Activation::Relu, &[a]).unwrap();
        let b = conv_last(g, "b", a, 11);
        let sum = g.at("skip").one(Elementwise::add(), &[b, a]).unwrap();
        let slope = g.constant(numbers(&[1, 1, 1, 4], 5));
        let c = g.at("prelu").one(Activation::PRelu, &[sum, slope]).unwrap();
        let both = g.at("both").one(Concat { axis: -1 }, &[c, a]).unwrap();
        let padded =
            g.at("pad").one(Pad::new([0, 1, 2, 0], [0, 0, 1, 0]).mode(PadMode::Edge), &[both]).unwrap();
        let d = conv_last(g, "d", padded, 21);
        let d = g.at("softmax").one(Softmax { axis: 3 }, &[d]).unwrap();
        let large = g.at("resize").one(Resize::new([2, 18, 11, 4]), &[d]).unwrap();
        let mean = g.at("mean").one(Reduce::new(ReduceKind::Mean, [1, 2]).keepdims(true), &[large]).unwrap();
        let gated = g.at("gate").one(Elementwise::multiply(), &[large, mean]).unwrap();
        let rows = g.at("rows").one(Reduce::new(ReduceKind::Max, [2]), &[gated]).unwrap();
        vec![g.at("columns").one(Reduce::new(ReduceKind::Sum, [-2]), &[rows]).unwrap()]
    });
    assert_eq!(left(&program), 7);
    let joined = joined(&program);
    assert_eq!(left(&joined), 0, "{:?}", names(&joined));
    let pairs = said(&joined, false);
    assert_eq!(pairs, [("in", "a/first"), ("a/last", "b/first"), ("b/last", "d/first")]);
    assert_eq!(said(&joined, true), []);
    let again = joined.clone().optimised().unwrap();
    assert!(again.steps == joined.steps);
}

#[test]
fn transpositions_stay_where_no_fewer_elements_would_be_moved() {
    // The value between is an output in its own layout too: it is transposed for that alone.
    let output = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        let y = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        let z = transposed(g, "out", y, [0, 3, 1, 2]);
        vec![y, g.at("abs").one(Elementwise::unary(UnaryFunction::Absolute), &[z]).unwrap()]
    });
    let program = joined(&output);
    assert_eq!((left(&output), left(&program)), (2, 1));
    assert_eq!(said(&program, false), [("in", "out")]);
    // One alone, to an output; and two whose elements lie in another shape between them.
    let alone = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        vec![g.at("tanh").one(Activation::Tanh, &[x]).unwrap()]
    });
    let program = joined(&alone);
    assert_eq!(names(&program), ["in", "tanh"]);
    assert_eq!(said(&program, true), [("in", "y0")]);
    let reshaped = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        let x = g.reshape(x, [2, 8, 3, 8]).unwrap();
        vec![transposed(g, "out", x, [0, 3, 1, 2])]
    });
    let program = joined(&reshaped);
    assert_eq!(names(&program), ["in", "out"]);
    let text = program.explain(&Backend::Host).unwrap().to_string();
    assert!(text.contains("not joined: in, out (transposition): no fewer elements would be moved"), "{text}");
    // Padding makes more elements, which no other transposition then takes back.
    let padded = graph(|g, x| {
        let x = transposed(g, "in", x, [0, 2, 3, 1]);
        vec![g.at("pad").one(Pad::new([0, 4, 4, 0], [0, 4, 4, 0]), &[x]).unwrap()]
    });
    assert_eq!(names(&joined(&padded)), ["in", "pad"]);
    // Both outputs would be the same tensor, and each has memory of its own.
    let twice = graph(|g, x| {
        let y = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        let last = transposed(g, "in", y, [0, 2, 3, 1]);
        vec![y, transposed(g, "out", last, [0, 3, 1, 2])]
    });
    assert_eq!((left(&twice), left(&joined(&twice))), (2, 1));
    // Of an input an output is a copy.
    let input = graph(|g, x| {
        let last = transposed(g, "in", x, [0, 2, 3, 1]);
        vec![transposed(g, "out", last, [0, 3, 1, 2])]
    });
    assert_eq!((left(&input), left(&joined(&input))), (2, 1));
}
