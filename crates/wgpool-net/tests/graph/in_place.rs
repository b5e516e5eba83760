//! Concatenations and slices that are nothing to do on a GPU, and values that lie beside others in one buffer.

use super::check;
use wgpool::{
    Activation, AsStrided, Backend, BinaryFunction, Concat, Conv, Elementwise, Padding, Pool, Tensor,
    TensorDesc,
};
use wgpool_net::{Graph, Program, Session, Value};
use wgpool_testing::support::{self, numbers};
use wgpool_testing::verify::random::Rng;

/// Names of the steps that a session on a GPU has nothing to do for.
fn in_place(program: &Program) -> Vec<String> {
    let explanation = program.explain(&Backend::Gpu(support::engine().clone())).unwrap();
    let layers = explanation.layers.iter();
    let gone = layers.filter(|layer| layer.explanation.steps.iter().any(|step| step.own == Some("in place")));
    gone.map(|layer| layer.name.clone()).collect()
}

fn channels(g: &mut Graph, name: &str, x: Value, from: usize, to: usize) -> Value {
    let shape = g.desc(x).unwrap().shape.clone();
    let rank = shape.len();
    let (mut starts, mut ends) = (vec![0; rank], vec![isize::MAX; rank]);
    (starts[1], ends[1]) = (from as isize, to as isize);
    g.at(name).one(AsStrided::slice(&shape, &starts, &ends, &vec![1; rank]).unwrap(), &[x]).unwrap()
}

fn same(g: &mut Graph, name: &str, x: Value, to: usize) -> Value {
    let from = g.desc(x).unwrap().shape[1];
    // Small enough that what is added up stays so through all layers.
    let kernel = numbers(&[to, from, 3, 3], to as u32);
    let small = kernel.as_f32().unwrap().iter().map(|weight| weight / (3 * from) as f32).collect();
    let kernel = g.constant(Tensor::from_f32(kernel.shape(), small).unwrap());
    g.at(name).conv(x, kernel, None, Conv::new().padding(Padding::SameUpper)).unwrap()
}

#[test]
fn pieces_are_written_where_they_belong() {
    // A dense block: each convolution reads all before it, and its channels are joined to them.
    let mut g = Graph::new("dense");
    let x = g.input("x", TensorDesc::f32([1, 4, 8, 8]));
    let first = same(&mut g, "first", x, 8);
    let mut all = first;
    for layer in 0..3 {
        let narrow = same(&mut g, &format!("narrow {layer}"), all, 3);
        let new = same(&mut g, &format!("new {layer}"), narrow, 4);
        all = g.at(format!("joined {layer}")).one(Concat { axis: -3 }, &[all, new]).unwrap();
    }
    let end = g.at("end").one(Activation::Relu, &[all]).unwrap();
    g.output("end", end);
    let program = g.finish().unwrap();
    assert_eq!(in_place(&program), ["joined 0", "joined 1", "joined 2"]);
    check(&program, &[&numbers(&[1, 4, 8, 8], 1)]);
}

#[test]
fn pieces_may_be_those_of_several() {
    // The same, each time joined from all pieces; the last is what comes out.
    let mut g = Graph::new("flat");
    let x = g.input("x", TensorDesc::f32([1, 4, 8, 8]));
    let mut pieces = vec![same(&mut g, "first", x, 8)];
    for layer in 0..3 {
        let all = g.at(format!("joined {layer}")).one(Concat { axis: 1 }, &pieces).unwrap();
        let narrow = same(&mut g, &format!("narrow {layer}"), all, 3);
        pieces.push(same(&mut g, &format!("new {layer}"), narrow, 4));
    }
    let end = g.at("end").one(Concat { axis: 1 }, &pieces).unwrap();
    g.output("end", end);
    let program = g.finish().unwrap();
    assert_eq!(in_place(&program), ["joined 0", "joined 1", "joined 2", "end"]);
    check(&program, &[&numbers(&[1, 4, 8, 8], 1)]);
}

#[test]
fn slices_are_read_where_they_are() {
    let mut g = Graph::new("split");
    let x = g.input("x", TensorDesc::f32([1, 8, 8, 8]));
    let of_input = channels(&mut g, "of the input", x, 3, 5);
    let left = same(&mut g, "left", of_input, 8);
    let of_left = channels(&mut g, "of the left", left, 4, 8);
    let right = same(&mut g, "right", of_left, 8);
    g.output("right", right);
    let out = channels(&mut g, "comes out", left, 0, 4);
    g.output("out", out);
    let program = g.finish().unwrap();
    assert_eq!(in_place(&program), ["of the input", "of the left"]);
    check(&program, &[&numbers(&[1, 8, 8, 8], 2)]);
}

#[test]
fn what_stands_in_the_way() {
    let joined = |shape: [usize; 4], axis: isize, build: &dyn Fn(&mut Graph, Value) -> Vec<Value>| {
        let mut g = Graph::new("joined");
        let x = g.input("x", TensorDesc::f32(shape));
        let pieces = build(&mut g, x);
        let joined = g.at("joined").one(Concat { axis }, &pieces).unwrap();
        let end = g.at("end").one(Activation::Relu, &[joined]).unwrap();
        g.output("end", end);
        let program = g.finish().unwrap();
        check(&program, &[&numbers(&shape, 3)]);
        in_place(&program)
    };
    let two = |g: &mut Graph, x: Value| vec![same(g, "a", x, 4), same(g, "b", x, 4)];
    assert_eq!(joined([1, 4, 8, 8], 1, &two), ["joined"]);
    // Pieces that do not lie one behind the other.
    assert!(joined([2, 4, 8, 8], 1, &two).is_empty());
    assert!(joined([1, 4, 8, 8], 2, &two).is_empty());
    // A piece that a binding cannot begin at.
    assert!(joined([1, 4, 7, 8], 1, &|g, x| vec![same(g, "a", x, 3), same(g, "b", x, 4)]).is_empty());
    // A step that would read and write one buffer.
    let chain = |g: &mut Graph, x: Value| {
        let a = same(g, "a", x, 4);
        vec![a, same(g, "b", a, 4)]
    };
    assert!(joined([1, 4, 8, 8], 1, &chain).is_empty());
    // A piece that the app's buffer holds, one that is there twice, and one that comes out.
    assert!(joined([1, 4, 8, 8], 1, &|g, x| vec![x, same(g, "a", x, 4)]).is_empty());
    let twice = |g: &mut Graph, x: Value| {
        let a = same(g, "a", x, 4);
        vec![a, a]
    };
    assert!(joined([1, 4, 8, 8], 1, &twice).is_empty());
    let out = |g: &mut Graph, x: Value| {
        let a = same(g, "a", x, 4);
        g.output("a", a);
        vec![a, same(g, "b", x, 4)]
    };
    assert!(joined([1, 4, 8, 8], 1, &out).is_empty());
}

/// A value of a few channels of 32 by 32, made of those before it.
fn step(g: &mut Graph, rng: &mut Rng, name: &str, values: &[Value]) -> Value {
    let any = |rng: &mut Rng| values[rng.between(values.len().saturating_sub(5), values.len() - 1)];
    let x = any(rng);
    let count = g.desc(x).unwrap().shape[1];
    match rng.between(0, 5) {
        0 | 1 if count < 64 => {
            let mut pieces = vec![x, any(rng)];
            if rng.between(0, 1) == 0 {
                pieces.push(any(rng));
            }
            g.at(name).one(Concat { axis: 1 }, &pieces).unwrap()
        }
        0..=2 if count > 1 => {
            let from = rng.between(0, count - 1);
            let to = rng.between(from + 1, count);
            channels(g, name, x, from, to)
        }
        3 => {
            let y = any(rng);
            let shared = count.min(g.desc(y).unwrap().shape[1]);
            let (x, y) = (channels(g, name, x, 0, shared), channels(g, name, y, 0, shared));
            g.at(name).one(Elementwise::binary(BinaryFunction::Add), &[x, y]).unwrap()
        }
        4 => g.at(name).one(Pool::max([3, 3]).stride([1, 1]).padding(Padding::SameUpper), &[x]).unwrap(),
        _ => g.at(name).one(Activation::Relu, &[x]).unwrap(),
    }
}

#[test]
fn random_graphs_compute_the_same_in_place() {
    let mut rng = Rng::new(0x91ac_e000);
    let gpu = Backend::Gpu(support::engine().clone());
    let mut gone = 0;
    for round in 0..60 {
        let mut g = Graph::new(format!("round {round}"));
        let shape = [1, rng.between(1, 24), 32, 32];
        let x = g.input("x", TensorDesc::f32(shape));
        let mut values = vec![x];
        for node in 0..rng.between(6, 24) {
            values.push(step(&mut g, &mut rng, &format!("{node}"), &values));
        }
        g.output("last", values[values.len() - 1]);
        if rng.between(0, 2) == 0 {
            let at = rng.between(1, values.len() - 1);
            g.output("between", values[at]);
        }
        let program = g.finish().unwrap();
        // Small whole numbers, so that sums are exact.
        let elements = shape.iter().product();
        let x: Vec<f32> = (0..elements).map(|_| rng.between(0, 100) as f32 - 50.0).collect();
        let x = Tensor::from_f32(&shape, x).unwrap();
        let expected = program.run_all(&Backend::Reference, &[&x]).unwrap();
        let session = Session::compile(&gpu, program.clone()).unwrap();
        // What the first run left in the buffers must not matter.
        for _ in 0..2 {
            assert_eq!(session.run_all(&[&x]).unwrap(), expected, "{}", session.explain());
        }
        let explanation = session.explain();
        assert!(explanation.between <= 2 * explanation.least_between, "{explanation}");
        gone += in_place(&program).len();
    }
    assert!(gone > 100, "{gone}");
}
