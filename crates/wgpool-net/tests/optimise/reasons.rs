//! What is joined, and why something is not, is said.

use crate::{conv, graph, joined, names};
use wgpool::{Activation, Backend, Conv, Elementwise, Pad, PadMode, Padding, Pool, TensorDesc};
use wgpool_net::{Graph, Program, Value};
use wgpool_testing::support::numbers;

#[test]
fn what_is_joined_and_what_stays_apart_is_said() {
    let program = graph(|g, x| {
        let y = conv(g, x);
        let scale = g.constant(numbers(&[4, 1, 1], 3));
        let y = g.at("scale").one(Elementwise::multiply(), &[y, scale]).unwrap();
        let y = g.at("relu").one(Activation::Relu, &[y]).unwrap();
        let y = g.at("tanh").one(Activation::Tanh, &[y]).unwrap();
        let (kernel, other) = (g.constant(numbers(&[4, 4, 1, 1], 5)), g.constant(numbers(&[4, 4, 1, 1], 6)));
        let a = g.at("a").conv(y, kernel, None, Conv::new()).unwrap();
        let sigmoid = g.at("sigmoid").one(Activation::Sigmoid, &[a]).unwrap();
        let a = g.at("times").one(Elementwise::multiply(), &[a, sigmoid]).unwrap();
        let b = g.at("b").conv(y, other, None, Conv::new()).unwrap();
        let sum = g.at("sum").one(Elementwise::add(), &[b, a]).unwrap();
        vec![g.at("pool").one(Pool::max([3, 3]).stride([2, 2]), &[sum]).unwrap()]
    });
    assert_eq!(program.fusions, []);
    let program = joined(&program);
    assert_eq!(names(&program), ["conv+scale+relu", "tanh", "a", "sigmoid+times", "b+sum", "pool"]);
    let said: Vec<(&str, &str, &str, Option<&str>)> = (program.fusions.iter())
        .map(|f| (f.first.as_str(), f.second.as_str(), f.rule, f.refused.as_deref()))
        .collect();
    let elsewhere = Some("other operations read it too, or it is an output");
    let no_scale = Some("it does not scale and shift whole channels by known numbers");
    assert_eq!(
        said,
        [
            ("conv", "scale", "scale and shift", None),
            ("conv+scale", "relu", "activation", None),
            ("conv+scale+relu", "tanh", "activation", Some("the operation before it has an activation")),
            ("a", "sigmoid", "activation", elsewhere),
            ("sigmoid", "times", "functions of elements", None),
            ("a", "sigmoid+times", "scale and shift", no_scale),
            ("b", "sum", "residual", None),
            ("b+sum", "pool", "pooling", Some("its windows overlap, or it gives indices")),
        ]
    );
    let text = program.explain(&Backend::Host).unwrap().to_string();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    assert_eq!(
        lines[4], "joined: scale and shift 1, activation 1, functions of elements 1, residual 1",
        "{text}"
    );
    assert_eq!(
        lines[3],
        "not joined: conv+scale+relu, tanh (activation): the operation before it has an activation"
    );
    // Once more changes nothing, and says so once.
    let again = program.clone().optimised().unwrap();
    assert!(again.steps == program.steps);
    assert_eq!(again.fusions.len(), program.fusions.len());
}

#[test]
fn each_rule_has_its_reasons() {
    let reasons = |program: Program| -> Vec<String> {
        program.optimised().unwrap().fusions.into_iter().filter_map(|f| f.refused).collect()
    };
    let padded = |pad: Pad, padding: Padding| {
        reasons(graph(move |g, x| {
            let x = g.at("pad").one(pad, &[x]).unwrap();
            let kernel = g.constant(numbers(&[4, 3, 3, 3], 1));
            vec![g.at("conv").conv(x, kernel, None, Conv::new().padding(padding)).unwrap()]
        }))
    };
    let zeros = Pad::new([0, 0, 1, 0], [0, 0, 2, 3]);
    assert!(padded(zeros.clone().mode(PadMode::Edge), Padding::Valid)[0].contains("else than zeros"));
    assert!(padded(zeros, Padding::SameUpper)[0].contains("size of its input"));
    assert!(padded(Pad::new([0, 0, -1, 0], [0, 0, 0, 0]), Padding::Valid)[0].contains("takes elements away"));
    let behind = |build: fn(&mut Graph, Value) -> Value| {
        reasons(graph(move |g, x| {
            let y = conv(g, x);
            vec![build(g, y)]
        }))
    };
    let overlap = behind(|g, y| g.at("pool").one(Pool::max([3, 3]).stride([2, 2]), &[y]).unwrap());
    assert_eq!(overlap, ["its windows overlap, or it gives indices"]);
    let columns = behind(|g, y| {
        let slope = g.constant(numbers(&[1, 1, 1, 8], 5));
        g.at("prelu").one(Activation::PRelu, &[y, slope]).unwrap()
    });
    assert_eq!(columns, ["its slope is not one number, or one for each channel"]);
    let computed = reasons(graph(|g, x| {
        let kernel = g.input("kernel", TensorDesc::f32([4, 3, 3, 3]));
        let y = g.at("conv").conv(x, kernel, None, Conv::new()).unwrap();
        let two = g.constant(numbers(&[1], 5));
        vec![g.at("scale").one(Elementwise::multiply(), &[y, two]).unwrap()]
    }));
    assert_eq!(computed, ["the kernel or bias before it is computed"]);
    let gate = reasons(graph(|g, x| {
        let each = g.at("mean").one(wgpool::GlobalPool::average(), &[x]).unwrap();
        let gate = g.at("sigmoid").one(Activation::Sigmoid, &[each]).unwrap();
        vec![g.at("times").one(Elementwise::multiply(), &[x, gate]).unwrap()]
    }));
    assert!(gate.len() == 1 && gate[0].contains("another shape"), "{gate:?}");
    let long = reasons(graph(|g, mut x| {
        for _ in 0..Elementwise::MOST_STEPS + 1 {
            x = g.at("tanh").one(Activation::Tanh, &[x]).unwrap();
        }
        vec![x]
    }));
    assert_eq!(long, ["one formula has no more inputs and steps"]);
}
