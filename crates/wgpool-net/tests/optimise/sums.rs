//! Sums become a part of convolutions.

use crate::{IMAGE, graph, joined, names};
use wgpool::{Activation, Conv, Elementwise, Op, Padding, TensorDesc};
use wgpool_net::{Graph, Program, Value};
use wgpool_testing::support::numbers;

/// A convolution that gives the image's own shape.
fn same(g: &mut Graph, name: &str, x: Value, seed: u32) -> Value {
    let channels = g.desc(x).unwrap().shape[1];
    let (kernel, bias) =
        (g.constant(numbers(&[3, channels, 3, 3], seed)), g.constant(numbers(&[3], seed + 1)));
    g.at(name).conv(x, kernel, Some(bias), Conv::new().padding(Padding::SameUpper)).unwrap()
}

/// What was said of a rule: why, or that it was joined.
fn of_rule<'a>(program: &'a Program, rule: &str) -> Vec<Option<&'a str>> {
    program.fusions.iter().filter(|f| f.rule == rule).map(|f| f.refused.as_deref()).collect()
}

#[test]
fn sums_and_what_follows_join_convolutions() {
    for swapped in [false, true] {
        let block = graph(|g, x| {
            let y = same(g, "conv", x, 1);
            let operands = if swapped { [x, y] } else { [y, x] };
            let sum = g.at("sum").one(Elementwise::add(), &operands).unwrap();
            vec![g.at("relu").one(Activation::Relu, &[sum]).unwrap()]
        });
        let program = joined(&block);
        assert_eq!(names(&program), ["conv+sum+relu"]);
        assert_eq!(of_rule(&program, "residual"), [None]);
        assert!(matches!(program.steps[0].op(), Some(Op::Conv(conv)) if conv.residual));
    }
    // A row of blocks: each sum is the next block's skip connection, and is read until that one's sum.
    let rows = graph(|g, x| {
        let mut y = x;
        for block in 0..3 {
            let skip = y;
            let inner = same(g, &format!("a{block}"), skip, 10 * block + 1);
            let inner = g.at(format!("relu{block}")).one(Activation::Relu, &[inner]).unwrap();
            let inner = same(g, &format!("b{block}"), inner, 10 * block + 5);
            y = g.at(format!("sum{block}")).one(Elementwise::add(), &[skip, inner]).unwrap();
        }
        vec![g.at("tanh").one(Activation::Tanh, &[y]).unwrap()]
    });
    let expected = ["a0+relu0", "b0+sum0", "a1+relu1", "b1+sum1", "a2+relu2", "b2+sum2+tanh"];
    assert_eq!(names(&joined(&rows)), expected);
    // Of two convolutions the first takes the sum; PReLU's slope comes before what is added.
    let two = graph(|g, x| {
        let (a, b) = (same(g, "a", x, 1), same(g, "b", x, 5));
        let sum = g.at("sum").one(Elementwise::add(), &[a, b]).unwrap();
        let slope = g.constant(numbers(&[1, 3, 1, 1], 9));
        vec![g.at("prelu").one(Activation::PRelu, &[sum, slope]).unwrap()]
    });
    assert_eq!(names(&joined(&two)), ["b", "a+sum+prelu"]);
    // Numbers of the whole shape.
    let known = graph(|g, x| {
        let (y, other) = (same(g, "conv", x, 1), g.constant(numbers(&IMAGE, 9)));
        vec![g.at("sum").one(Elementwise::add(), &[y, other]).unwrap()]
    });
    assert_eq!(names(&joined(&known)), ["conv+sum"]);
}

#[test]
fn sums_stay_apart_where_the_convolution_cannot_add_them() {
    let refused = |build: fn(&mut Graph, Value) -> Vec<Value>, expected: &[&str], why: &str| {
        let program = joined(&graph(build));
        assert_eq!(names(&program), expected);
        let said = of_rule(&program, "residual");
        assert!(said.iter().any(|said| said.is_some_and(|said| said.contains(why))), "{:?}", program.fusions);
    };
    let add = |g: &mut Graph, a, b| g.at("sum").one(Elementwise::add(), &[a, b]).unwrap();
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            vec![y, g.at("sum").one(Elementwise::add(), &[y, x]).unwrap()]
        },
        &["conv", "sum"],
        "it is an output",
    );
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            let each = g.at("mean").one(wgpool::GlobalPool::average(), &[x]).unwrap();
            vec![g.at("sum").one(Elementwise::add(), &[y, each]).unwrap()]
        },
        &["conv", "mean", "sum"],
        "not both of the convolution's shape",
    );
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
            vec![g.at("sum").one(Elementwise::add(), &[y, x]).unwrap()]
        },
        &["conv+relu", "sum"],
        "has an activation",
    );
    // The sum of a convolution and itself scales it, which weights take in where they are known.
    let twice = |known: bool| {
        graph(move |g, x| {
            let kernel = match known {
                true => g.constant(numbers(&[3, 3, 1, 1], 1)),
                false => g.input("kernel", TensorDesc::f32([3, 3, 1, 1])),
            };
            let y = g.at("conv").conv(x, kernel, None, Conv::new()).unwrap();
            vec![g.at("sum").one(Elementwise::add(), &[y, y]).unwrap()]
        })
    };
    assert_eq!(of_rule(&joined(&twice(true)), "scale and shift"), [None]);
    assert!(of_rule(&twice(false).optimised().unwrap(), "residual")[0].unwrap().contains("twice"));
    refused(
        |g, x| {
            let y = same(g, "conv", x, 1);
            let y = g.at("sum").one(Elementwise::add(), &[y, x]).unwrap();
            let other = g.constant(numbers(&IMAGE, 7));
            vec![g.at("more").one(Elementwise::add(), &[y, other]).unwrap()]
        },
        &["conv+sum", "more"],
        "adds another tensor already",
    );
    // What scales the sum scales both: the weights cannot take it in.
    let scaled = graph(move |g, x| {
        let y = same(g, "conv", x, 1);
        let (sum, scale) = (add(g, y, x), g.constant(numbers(&[3, 1, 1], 9)));
        vec![g.at("scale").one(Elementwise::multiply(), &[sum, scale]).unwrap()]
    });
    let program = joined(&scaled);
    assert_eq!(names(&program), ["conv+sum", "scale"]);
    assert!(of_rule(&program, "scale and shift")[0].unwrap().contains("adds to its sums"));
}
