//! Graphs: branches, several inputs and outputs, computed kernels, memory between the operations.

mod in_place;

use wgpool::engine::Engine;
use wgpool::{Activation, Backend, Conv, Error, Padding, Pool, Tensor, TensorDesc};
use wgpool_net::{Graph, Memory, Program, Session, Source, SplitSession};
use wgpool_testing::support::{self, numbers};

fn backends() -> Vec<Backend> {
    vec![Backend::Gpu(support::engine().clone()), Backend::Host, Backend::Reference]
}

/// Every backend, a program and a session of it, against what the reference gives.
fn check(program: &Program, inputs: &[&Tensor]) -> Vec<Tensor> {
    let expected = program.run_all(&Backend::Reference, inputs).unwrap();
    for backend in backends() {
        let session = Session::compile(&backend, program.clone()).unwrap();
        for got in [program.run_all(&backend, inputs).unwrap(), session.run_all(inputs).unwrap()] {
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(&expected) {
                assert_eq!(got.shape(), expected.shape());
                let pairs = got.as_f32().unwrap().iter().zip(expected.as_f32().unwrap());
                for (got, expected) in pairs {
                    let near = (got - expected).abs() <= 1e-5 * expected.abs().max(1.0);
                    assert!(near, "{}: {got} instead of {expected}", backend.name());
                }
            }
        }
    }
    expected
}

/// Two branches of one input that are read by nodes farther on, and an output that others read too.
fn branches() -> Graph {
    let mut g = Graph::new("branches");
    let x = g.input("x", TensorDesc::f32([2, 3, 8, 8]));
    let kernel = g.constant(numbers(&[4, 3, 3, 3], 1));
    let same = Conv::new().padding(Padding::SameUpper);
    let left = g.at("left").conv(x, kernel, None, same.clone()).unwrap();
    let kernel = g.constant(numbers(&[4, 3, 1, 1], 2));
    let right = g.at("right").conv(x, kernel, None, Conv::new()).unwrap();
    let left = g.at("positive").one(Activation::Relu, &[left]).unwrap();
    // A kernel for both, from another branch's numbers.
    let kernel = g.constant(numbers(&[4, 4, 3, 3], 3));
    let far = g.at("far").conv(left, kernel, None, same.clone()).unwrap();
    let other = g.at("other").conv(right, kernel, None, same).unwrap();
    let pooled = g.at("pooled").one(Pool::max([2, 2]), &[other]).unwrap();
    g.output("left", left);
    g.output("far", far);
    g.output("pooled", pooled);
    g
}

#[test]
fn branches_and_several_outputs() {
    let program = branches().finish().unwrap();
    let names: Vec<&str> = program.outputs.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["left", "far", "pooled"]);
    let x = numbers(&[2, 3, 8, 8], 9);
    check(&program, &[&x]);
    assert!(matches!(program.run(&Backend::Host, &x), Err(Error::Arity { got: 3, .. })));
    let session = Session::compile(&Backend::Host, program).unwrap();
    assert!(matches!(session.run(&x), Err(Error::Arity { got: 3, .. })));
    assert!(matches!(session.run_all(&[&x, &x]), Err(Error::Arity { got: 2, .. })));
}

#[test]
fn several_inputs_and_a_kernel_that_is_computed() {
    let mut g = Graph::new("product");
    let (a, b) = (g.input("a", TensorDesc::f32([5, 7, 1])), g.input("b", TensorDesc::f32([1, 7, 6])));
    let a = g.at("relu").one(Activation::Relu, &[a]).unwrap();
    let c = g.at("product").conv(b, a, None, Conv::new()).unwrap();
    g.output("c", c);
    let program = g.finish().unwrap();
    let b = numbers(&[1, 7, 6], 1);
    // The kernels' order is made in each run, of what that run has.
    let session = Session::compile(&Backend::Gpu(support::engine().clone()), program.clone()).unwrap();
    for seed in [2, 3] {
        let a = numbers(&[5, 7, 1], seed);
        let expected = check(&program, &[&a, &b]);
        let again = session.run_all(&[&a, &b]).unwrap();
        for (got, expected) in again[0].as_f32().unwrap().iter().zip(expected[0].as_f32().unwrap()) {
            assert!((got - expected).abs() <= 1e-5, "{got} instead of {expected}");
        }
    }
    let error = session.run_all(&[&b, &b]).unwrap_err().to_string();
    assert!(error.contains("input a") && error.contains("[5, 7, 1]"), "{error}");
}

#[test]
fn what_no_output_needs_is_left_out() {
    let mut g = branches();
    let x = g.input("unread", TensorDesc::f32([4]));
    g.at("dead").one(Activation::Tanh, &[x]).unwrap();
    let program = g.finish().unwrap();
    assert!(program.steps.iter().all(|step| step.name != "dead"));
    assert_eq!(program.inputs.len(), 2);
    let (x, unread) = (numbers(&[2, 3, 8, 8], 9), numbers(&[4], 1));
    check(&program, &[&x, &unread]);
}

#[test]
fn constants_are_computed_once() {
    let mut g = Graph::new("constants");
    let x = g.input("x", TensorDesc::f32([1, 2, 3]));
    let two = g.constant(numbers(&[2, 2, 1], 1));
    let kernel = g.at("positive").one(Activation::Relu, &[two]).unwrap();
    let y = g.at("conv").conv(x, kernel, None, Conv::new()).unwrap();
    let y = g.reshape(y, [6]).unwrap();
    assert_eq!(g.desc(y).unwrap().shape, [6]);
    g.output("y", y);
    let program = g.finish().unwrap();
    assert_eq!(program.steps.len(), 1);
    assert!(matches!(program.steps[0].inputs[1], Source::Weight(_)));
    check(&program, &[&numbers(&[1, 2, 3], 5)]);
}

#[test]
fn errors_name_graph_and_node() {
    let mut g = Graph::new("wrong");
    let x = g.input("x", TensorDesc::f32([1, 3, 8, 8]));
    let kernel = g.constant(numbers(&[4, 2, 3, 3], 1));
    let error = g.at("conv1").conv(x, kernel, None, Conv::new()).unwrap_err().to_string();
    assert!(error.contains("wrong") && error.contains("conv1"), "{error}");
    let error = g.at("flat").reshape(x, [191]).unwrap_err().to_string();
    assert!(error.contains("flat") && error.contains("[191]"), "{error}");
    let other = Graph::new("other").input("x", TensorDesc::f32([1]));
    let error = g.at("relu").op(Activation::Relu, &[other]).unwrap_err().to_string();
    assert!(error.contains("relu") && error.contains("another graph"), "{error}");
    assert!(g.clone().finish().unwrap_err().to_string().contains("no output"));
    g.output("y", x);
    g.output("y", x);
    assert!(g.finish().unwrap_err().to_string().contains("two outputs"));
    // Refused before anything is allocated.
    let mut g = Graph::new("large").most_bytes(1 << 20);
    let x = g.input("x", TensorDesc::f32([1, 1, 64, 64]));
    let kernel = g.constant(numbers(&[128, 1, 1, 1], 1));
    let error = g.at("wide").conv(x, kernel, None, Conv::new()).unwrap_err().to_string();
    assert!(error.contains("wide") && error.contains("2097152"), "{error}");
}

#[test]
fn values_share_buffers_that_are_free() {
    // A row of operations takes two buffers, whatever its length.
    let mut g = Graph::new("row");
    let mut x = g.input("x", TensorDesc::f32([100]));
    for _ in 0..9 {
        x = g.one(Activation::Tanh, &[x]).unwrap();
    }
    g.output("y", x);
    let row = g.finish().unwrap();
    assert_eq!(Session::scratch_sizes_of(&row), [400, 400]);
    check(&row, &[&numbers(&[100], 1)]);
    let sizes = Session::scratch_sizes_of(&branches().finish().unwrap());
    // Beside the outputs: `right` and `other`, each 4 channels of 64.
    assert_eq!(sizes, [2 * 4 * 64 * 4; 2]);
}

#[test]
fn memory_of_the_app() {
    let engine: Engine = support::engine().clone();
    let program = branches().finish().unwrap();
    let sizes = Session::scratch_sizes_of(&program);
    let buffers = |sizes: &[u64]| -> Vec<wgpool::wgpu::Buffer> {
        sizes.iter().map(|&size| engine.tensor_buffer("test", size).unwrap()).collect()
    };
    let bytes = |ports: &[wgpool_net::Port]| -> Vec<u64> {
        ports.iter().map(|port| port.desc.buffer_size()).collect()
    };
    let own = [buffers(&bytes(&program.inputs)), buffers(&bytes(&program.outputs)), buffers(&sizes)];
    let [inputs, outputs, scratch] =
        own.each_ref().map(|list| list.iter().map(|buffer| buffer.slice(..)).collect::<Vec<_>>());
    let memory = Memory { inputs, outputs, scratch };
    let session = Session::compile_in(&engine, program.clone(), &memory).unwrap();
    assert_eq!(session.output_buffers(), own[1].iter().collect::<Vec<_>>());
    let x = numbers(&[2, 3, 8, 8], 4);
    let expected =
        Session::compile(&Backend::Gpu(engine.clone()), program.clone()).unwrap().run_all(&[&x]).unwrap();
    assert_eq!(session.run_all(&[&x]).unwrap(), expected);
    let short = Memory { scratch: memory.scratch[..1].to_vec(), ..Memory::default() };
    let error = Session::compile_in(&engine, program, &short).unwrap_err();
    assert!(matches!(error, Error::Arity { got: 1, .. }), "{error}");
}

#[test]
fn an_input_may_be_an_output() {
    let mut g = Graph::new("identity");
    let x = g.input("x", TensorDesc::f32([2, 2]));
    let flat = g.reshape(x, [4]).unwrap();
    g.output("y", flat);
    let x = numbers(&[2, 2], 1);
    let got = check(&g.finish().unwrap(), &[&x]);
    assert_eq!(got[0], x.reshaped(&[4]).unwrap());
}

#[test]
fn named_steps_run_on_the_host() {
    let program = branches().finish().unwrap();
    let x = numbers(&[2, 3, 8, 8], 5);
    let expected = program.run_all(&Backend::Reference, &[&x]).unwrap();
    let steps: Vec<String> = program.steps.iter().map(|step| step.name.clone()).collect();
    // Each step alone, none, and all.
    let mut choices: Vec<Vec<&str>> = steps.iter().map(|name| vec![name.as_str()]).collect();
    choices.extend([vec![], steps.iter().map(String::as_str).collect()]);
    for on_host in choices {
        let chosen = |step: &wgpool_net::Step| on_host.contains(&step.name.as_str());
        let session = SplitSession::compile(support::engine(), program.clone(), chosen).unwrap();
        let places: Vec<(bool, usize)> = session
            .parts()
            .map(|part| (part.explain().backend == Backend::Host.name(), part.explain().layers.len()))
            .collect();
        let named = places.iter().filter(|(is_host, _)| *is_host).map(|(_, steps)| steps).sum::<usize>();
        assert_eq!(named, on_host.len(), "{places:?}");
        assert_eq!(places.iter().map(|(_, steps)| steps).sum::<usize>(), steps.len());
        let got = session.run_all(&[&x]).unwrap();
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.shape(), expected.shape());
            let pairs = got.as_f32().unwrap().iter().zip(expected.as_f32().unwrap());
            assert!(pairs.into_iter().all(|(got, expected)| (got - expected).abs() <= 1e-5), "{on_host:?}");
        }
        assert!(matches!(session.run_all(&[]), Err(Error::Arity { got: 0, .. })));
    }
    // What no step makes comes out as it went in.
    let mut g = Graph::new("identity");
    let x = g.input("x", TensorDesc::f32([2, 2]));
    let flat = g.reshape(x, [4]).unwrap();
    g.output("y", flat);
    let session = SplitSession::compile(support::engine(), g.finish().unwrap(), |_| true).unwrap();
    let x = numbers(&[2, 2], 1);
    assert_eq!(session.run_all(&[&x]).unwrap(), [x.reshaped(&[4]).unwrap()]);
}
