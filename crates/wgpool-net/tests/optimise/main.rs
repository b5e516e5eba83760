//! Operations that join others: the same outputs with and without, and nothing where it would not be the same.

mod joins;
mod reasons;
mod scales;
mod sums;
mod transposes;

use wgpool::{Backend, Conv, Padding, TensorDesc};
use wgpool_net::{Graph, Program, Session, Value};
use wgpool_testing::support::{self, numbers};

const IMAGE: [usize; 4] = [2, 3, 8, 8];

/// A graph of an image, of which `build` makes the outputs.
fn graph(build: impl FnOnce(&mut Graph, Value) -> Vec<Value>) -> Program {
    let mut g = Graph::new("joined");
    let x = g.input("x", TensorDesc::f32(IMAGE));
    for (i, output) in build(&mut g, x).into_iter().enumerate() {
        g.output(format!("y{i}"), output);
    }
    g.finish().unwrap()
}

fn conv(g: &mut Graph, x: Value) -> Value {
    let (kernel, bias) = (g.constant(numbers(&[4, 3, 3, 3], 1)), g.constant(numbers(&[4], 2)));
    g.at("conv").conv(x, kernel, Some(bias), Conv::new().padding(Padding::SameUpper)).unwrap()
}

/// The operations that are left, and the same outputs on every backend.
fn joined(program: &Program) -> Program {
    joined_on(program, &IMAGE)
}

/// The same for an input of another shape.
fn joined_on(program: &Program, shape: &[usize]) -> Program {
    let optimised = program.clone().optimised().unwrap();
    let x = numbers(shape, 9);
    let expected = program.run_all(&Backend::Reference, &[&x]).unwrap();
    for backend in [Backend::Gpu(support::engine().clone()), Backend::Host] {
        let got = Session::compile(&backend, optimised.clone()).unwrap().run_all(&[&x]).unwrap();
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!(got.shape(), expected.shape());
            for (got, expected) in got.as_f32().unwrap().iter().zip(expected.as_f32().unwrap()) {
                let near = (got - expected).abs() <= 1e-5 * expected.abs().max(1.0);
                assert!(near, "{}: {got} instead of {expected}", backend.name());
            }
        }
    }
    optimised
}

fn names(program: &Program) -> Vec<&str> {
    program.steps.iter().map(|step| step.name.as_str()).collect()
}
