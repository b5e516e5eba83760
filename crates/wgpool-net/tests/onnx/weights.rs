//! Initializers that sessions take anew.

use wgpool::{Backend, DType, Tensor};
use wgpool_net::onnx::{self, Options};
use wgpool_net::{Memory, Program, Session};
use wgpool_testing::support;

use super::message::{Message, model, node, value};

fn floats(name: &str, shape: &[i64], numbers: &[f32]) -> Message {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Message::new().ints(1, shape).int(2, 1).bytes(8, name).bytes(9, bytes)
}

/// A convolution, its normalisation, a bias that is added twice, and a tensor that is transposed.
fn program(kernel: f32, bias: &[f32; 4], batch: usize) -> Program {
    let norm = ["c", "scale", "shift", "mean", "variance"];
    let mut graph = Message::new()
        .with(1, node("Conv", &["x", "kernel"], &["c"]))
        .with(1, node("BatchNormalization", &norm, &["n"]))
        .with(1, node("Add", &["n", "bias"], &["a"]))
        .with(1, node("Relu", &["a"], &["r"]))
        .with(1, node("MaxPool", &["r"], &["p"]).with(5, window()))
        .with(1, node("Mul", &["p", "bias"], &["q"]))
        .with(1, node("Transpose", &["table"], &["t"]))
        .with(1, node("Add", &["q", "t"], &["y"]))
        .with(5, floats("kernel", &[1, 1, 1, 1], &[kernel]))
        .with(5, floats("bias", &[2, 2], bias))
        .with(5, floats("table", &[2, 2], &[1.0, 2.0, 3.0, 4.0]))
        .with(5, floats("unread", &[1], &[1.0]))
        .with(11, value("x"))
        .with(12, value("y"));
    for (name, number) in [("scale", 2.0), ("shift", 1.0), ("mean", 0.5), ("variance", 4.0)] {
        graph = graph.with(5, floats(name, &[1], &[number]));
    }
    let file = model(graph);
    onnx::Model::parse(&file).unwrap().program(&Options::default().shape("x", [batch, 1, 2, 2])).unwrap()
}

/// The attribute `kernel_shape` of a window of one tap.
fn window() -> Message {
    Message::new().bytes(1, "kernel_shape").ints(8, &[1, 1]).int(20, 7)
}

#[test]
fn initializers_are_set_by_name() {
    let engine = support::engine().without_pipelines();
    let x = Tensor::from_f32(&[1, 1, 2, 2], vec![1.0, -2.0, 3.0, 0.5]).unwrap();
    let tensor = |shape: &[usize], numbers: &[f32]| Tensor::from_f32(shape, numbers.to_vec()).unwrap();
    let (before, after) = ([0.5, 1.0, -1.0, 2.0], [3.0, -0.25, 4.0, 1.5]);
    for backend in [Backend::Gpu(engine.clone()), Backend::Host, Backend::Reference] {
        let run = |program: Program| Session::compile(&backend, program).unwrap().run(&x).unwrap();
        let mut session = Session::compile(&backend, program(1.5, &before, 1)).unwrap();
        assert_eq!(session.run(&x).unwrap(), run(program(1.5, &before, 1)));
        let pipelines = engine.pipeline_count();
        session.set_weights([("bias", tensor(&[2, 2], &after))]).unwrap();
        assert_eq!(session.run(&x).unwrap(), run(program(1.5, &after, 1)), "{}", backend.name());
        session.set_weights([("kernel", tensor(&[1, 1, 1, 1], &[-0.75]))]).unwrap();
        let expected = run(program(-0.75, &after, 1));
        assert_eq!(session.run(&x).unwrap(), expected, "{}", backend.name());
        assert_eq!(engine.pipeline_count(), pipelines);

        // Of another batch size, with the same weights.
        let mut two = session.with_batch(2, &Memory::default()).unwrap();
        let both = tensor(&[2, 1, 2, 2], &[x.as_f32().unwrap(), &[0.0; 4]].concat());
        assert_eq!(two.run(&both).unwrap().as_f32().unwrap()[..4], *expected.as_f32().unwrap());
        two.set_weights([("kernel", tensor(&[1, 1, 1, 1], &[1.5]))]).unwrap();
        assert_eq!(
            two.run(&both).unwrap().as_f32().unwrap()[..4],
            *run(program(1.5, &after, 1)).as_f32().unwrap()
        );

        // What cannot be set is named, and changes nothing.
        let old = two.run(&both).unwrap();
        let mut refuse = |name: &str, given: Tensor, parts: &[&str]| {
            let kernel = ("kernel", tensor(&[1, 1, 1, 1], &[9.0]));
            let error = two.set_weights([kernel, (name, given)]).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
            assert_eq!(two.run(&both).unwrap(), old, "{}", backend.name());
        };
        refuse("scale", tensor(&[1], &[1.0]), &["scale", "computed with when the model was lowered"]);
        refuse("table", tensor(&[2, 2], &after), &["table", "computed with"]);
        refuse("none", tensor(&[1], &[1.0]), &["none", "no such initializer"]);
        refuse("kernel", tensor(&[1], &[1.0]), &["kernel", "[1, 1, 1, 1]", "[1]"]);
        refuse("bias", Tensor::zeros(&[2, 2], DType::F16).unwrap(), &["bias", "f32", "f16"]);

        let joined = program(1.5, &before, 1).optimised().unwrap();
        let mut session = Session::compile(&backend, joined).unwrap();
        let error = session.set_weights([("kernel", tensor(&[1, 1, 1, 1], &[1.0]))]).unwrap_err().to_string();
        assert!(
            error.contains("kernel") && error.contains("joined") && error.contains("optimised"),
            "{error}"
        );
        session.set_weights([("bias", tensor(&[2, 2], &after))]).unwrap();
        let expected = run(program(1.5, &after, 1).optimised().unwrap());
        assert_eq!(session.run(&x).unwrap(), expected);
    }
}
