//! Indices and integers that come when a program runs: gathered, compared, and joined by logic.

use wgpool::error::Refusal;
use wgpool::half::f16;
use wgpool::{Backend, DType, Data, Error, Tensor};
use wgpool_net::onnx::{Model, Options};
use wgpool_net::{Program, Session};
use wgpool_testing::support;
use wgpool_testing::verify::random::Rng;

use super::message::{Message, model, node, value};

/// The numbers of ONNX' types.
const TYPES: [(DType, i64); 6] =
    [(DType::F32, 1), (DType::F16, 10), (DType::BF16, 16), (DType::I32, 7), (DType::U8, 2), (DType::I8, 3)];

fn typed(name: &str, code: i64) -> Message {
    Message::new().bytes(1, name).with(2, Message::new().with(1, Message::new().int(1, code)))
}

fn backends() -> Vec<Backend> {
    vec![Backend::Gpu(support::engine().clone()), Backend::Host, Backend::Reference]
}

fn gather(axis: i64, code: i64, [x, indices]: [&[usize]; 2]) -> Result<Program, Error> {
    let axis = Message::new().bytes(1, "axis").int(3, axis).int(20, 2);
    let file = model(
        Message::new()
            .with(1, node("Gather", &["x", "i"], &["y"]).with(5, axis))
            .with(11, typed("x", code))
            .with(11, typed("i", 7))
            .with(12, value("y")),
    );
    Model::parse(&file)?.program(&Options::default().shape("x", x).shape("i", indices))
}

fn of(dtype: DType, shape: &[usize], numbers: impl IntoIterator<Item = f64>) -> Tensor {
    Tensor::new(shape, Data::nearest(dtype, numbers).unwrap()).unwrap()
}

/// Both as programs run them, and each step by itself, on outputs that begin as NaN.
fn run(program: &Program, inputs: &[&Tensor], backend: &Backend) -> Tensor {
    let session = Session::compile(backend, program.clone()).unwrap();
    let outputs = session.run_all(inputs).unwrap();
    let checked = program.check(inputs, |step, inputs| step.run(backend, inputs)).unwrap();
    assert_eq!(checked, None, "{}", backend.name());
    outputs.into_iter().next().unwrap()
}

#[test]
fn elements_are_gathered_by_indices_that_come_when_it_runs() {
    let mut rng = Rng::new(5);
    for (dtype, code) in TYPES {
        for (shape, indices, axis) in [
            (vec![5], vec![3], 0),
            (vec![3, 4, 5], vec![2, 3], 1),
            (vec![3, 4, 5], vec![], -1),
            (vec![2, 7], vec![70], 1),
            (vec![6, 3], vec![4], 0),
            (vec![2, 3], vec![0], 1),
        ] {
            let count: usize = shape.iter().product();
            let x = of(dtype, &shape, (0..count).map(|i| i as f64));
            let at = if axis < 0 { shape.len() - 1 } else { axis as usize };
            let length = shape[at] as i64;
            let wanted: usize = indices.iter().product();
            let list: Vec<i64> =
                (0..wanted).map(|_| rng.between(0, 2 * length as usize - 1) as i64 - length).collect();
            let i = of(DType::I32, &indices, list.iter().map(|&i| i as f64));
            let (outer, inner) =
                (shape[..at].iter().product::<usize>(), shape[at + 1..].iter().product::<usize>());
            let mut expected = Vec::new();
            for o in 0..outer {
                for index in &list {
                    let index = index.rem_euclid(length) as usize;
                    expected.extend((0..inner).map(|j| ((o * shape[at] + index) * inner + j) as f64));
                }
            }
            let program = gather(axis, code, [&shape, &indices]).unwrap();
            let expected_shape = [&shape[..at], &indices, &shape[at + 1..]].concat();
            for backend in backends() {
                let got = run(&program, &[&x, &i], &backend);
                assert_eq!(
                    got,
                    of(dtype, &expected_shape, expected.iter().copied()),
                    "{dtype} {shape:?} on {}",
                    backend.name()
                );
            }
        }
    }
}

#[test]
fn indices_outside_are_the_nearest_that_there_are() {
    let program = gather(0, 1, [&[3], &[6]]).unwrap();
    let x = of(DType::F32, &[3], [10.0, 20.0, f64::NAN]);
    let i = of(DType::I32, &[6], [3.0, -4.0, 2_147_483_647.0, -2_147_483_648.0, 1.0, -1.0]);
    for backend in backends() {
        let y = run(&program, &[&x, &i], &backend);
        let y = y.as_f32().unwrap();
        assert!(y[0].is_nan() && y[2].is_nan() && y[5].is_nan(), "{y:?}");
        assert_eq!((y[1], y[3], y[4]), (10.0, 10.0, 20.0));
    }
}

#[test]
fn nothing_cannot_be_gathered_from() {
    let error = gather(0, 1, [&[0, 2], &[3]]).unwrap_err();
    assert!(error.to_string().contains("nothing along axis 0"), "{error}");
    assert!(gather(2, 1, [&[4, 2], &[3]]).is_err());
    let file = model(
        Message::new()
            .with(1, node("Gather", &["x", "i"], &["y"]))
            .with(11, value("x"))
            .with(11, value("i"))
            .with(12, value("y")),
    );
    let error = Model::parse(&file).unwrap().program(&Options::default().shape("x", [2]).shape("i", [1]));
    assert!(error.unwrap_err().to_string().contains("must be integers"));
}

#[test]
fn many_known_indices_are_gathered_too() {
    // Every other column, of which each is a piece.
    let list: Vec<u8> = (0..600i64).flat_map(|i| (2 * i).to_le_bytes()).collect();
    let axis = Message::new().bytes(1, "axis").int(3, 1).int(20, 2);
    let file = model(
        Message::new()
            .with(1, node("Gather", &["x", "i"], &["y"]).with(5, axis))
            .with(5, Message::new().ints(1, &[600]).int(2, 7).bytes(8, "i").bytes(9, list))
            .with(11, value("x"))
            .with(12, value("y")),
    );
    let program = Model::parse(&file).unwrap().program(&Options::default().shape("x", [2, 1200])).unwrap();
    let x = of(DType::F32, &[2, 1200], (0..2400).map(f64::from));
    for backend in backends() {
        assert_eq!(
            run(&program, &[&x], &backend),
            of(DType::F32, &[2, 600], (0..1200).map(|i| f64::from(2 * i)))
        );
    }
}

fn two(op: &str, code: i64, [a, b]: [&[usize]; 2]) -> Result<Program, Error> {
    let file = model(
        Message::new()
            .with(1, node(op, &["a", "b"], &["y"]))
            .with(11, typed("a", code))
            .with(11, typed("b", code))
            .with(12, typed("y", 9)),
    );
    Model::parse(&file)?.program(&Options::default().shape("a", a).shape("b", b))
}

type Holds = fn(&f64, &f64) -> bool;

#[test]
fn integers_are_compared_exactly() {
    // As floats of 32 bits the large ones are the same.
    let numbers =
        [-3.0, 0.0, 5.0, 127.0, -128.0, 16_777_216.0, 16_777_217.0, -2_147_483_648.0, 2_147_483_647.0, 1.0];
    let operators: [(&str, Holds); 5] = [
        ("Equal", |a, b| a == b),
        ("Greater", |a, b| a > b),
        ("GreaterOrEqual", |a, b| a >= b),
        ("Less", |a, b| a < b),
        ("LessOrEqual", |a, b| a <= b),
    ];
    for (name, holds) in operators {
        for (dtype, code) in [(DType::I32, 6), (DType::I32, 7), (DType::U8, 2), (DType::I8, 3)] {
            let range = match dtype {
                DType::U8 => 0.0..=255.0,
                DType::I8 => -128.0..=127.0,
                _ => f64::MIN..=f64::MAX,
            };
            let fit: Vec<f64> = numbers.into_iter().filter(|n| range.contains(n)).collect();
            let n = fit.len();
            // Each with each, and with itself.
            for [of_a, of_b] in
                [[vec![n, 1], vec![n]], [vec![n], vec![n]], [vec![1, n, 1], vec![3, 1, n]], [vec![], vec![n]]]
            {
                let fill = |shape: &[usize]| {
                    let count: usize = shape.iter().product();
                    of(dtype, shape, (0..count).map(|i| fit[i % n]))
                };
                let (a, b) = (fill(&of_a), fill(&of_b));
                let expected: Vec<f64> = match (of_a.len(), of_b.len()) {
                    (0, _) => fit.iter().map(|b| f64::from(u8::from(holds(&fit[0], b)))).collect(),
                    (1, _) => fit.iter().map(|x| f64::from(u8::from(holds(x, x)))).collect(),
                    (2, _) => fit
                        .iter()
                        .flat_map(|a| fit.iter().map(move |b| f64::from(u8::from(holds(a, b)))))
                        .collect(),
                    _ => (0..3)
                        .flat_map(|row| fit.iter().map(move |a| (row, a)))
                        .flat_map(|(row, a)| (0..n).map(move |i| (a, row * n + i)))
                        .map(|(a, at)| f64::from(u8::from(holds(a, &fit[at % n]))))
                        .collect(),
                };
                let program = two(name, code, [&of_a, &of_b]).unwrap();
                let shape = program.output().unwrap().shape.clone();
                for backend in backends() {
                    let got = run(&program, &[&a, &b], &backend);
                    assert_eq!(
                        got,
                        of(DType::F32, &shape, expected.iter().copied()),
                        "{name} of {dtype} on {}",
                        backend.name()
                    );
                }
            }
        }
        let error = two(name, 7, [&[2], &[3]]).unwrap_err().to_string();
        assert!(error.contains("broadcast") && error.contains("[3]"), "{error}");
    }
}

#[test]
fn truth_values_are_joined_and_compared() {
    let (a, b) = ([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]);
    let (a, b) = (of(DType::F32, &[4], a), of(DType::F32, &[4], b));
    for (name, expected) in [
        ("And", [0.0, 0.0, 0.0, 1.0]),
        ("Or", [0.0, 1.0, 1.0, 1.0]),
        ("Xor", [0.0, 1.0, 1.0, 0.0]),
        ("Equal", [1.0, 0.0, 0.0, 1.0]),
    ] {
        let program = two(name, 9, [&[4], &[4]]).unwrap();
        for backend in backends() {
            assert_eq!(run(&program, &[&a, &b], &backend), of(DType::F32, &[4], expected), "{name}");
        }
        let of_floats = two(name, 1, [&[4], &[4]]);
        assert_eq!(of_floats.is_ok(), name == "Equal");
        if let Err(error) = of_floats {
            assert!(matches!(error, Error::Network { refusal: Refusal::Type, .. }), "{error}");
        }
    }
}

#[test]
fn gathered_numbers_keep_their_bits() {
    let program = gather(0, 10, [&[3], &[3]]).unwrap();
    let x = Tensor::new(&[3], [f16::NAN, f16::MIN_POSITIVE_SUBNORMAL, f16::NEG_ZERO].to_vec()).unwrap();
    let i = of(DType::I32, &[3], [2.0, 1.0, 0.0]);
    let bits = |tensor: &Tensor| match tensor.data() {
        Data::F16(list) => list.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    for backend in [Backend::Gpu(support::engine().clone()), Backend::Host] {
        let session = Session::compile(&backend, program.clone()).unwrap();
        let got = session.run_all(&[&x, &i]).unwrap().remove(0);
        assert_eq!(bits(&got), [0x8000, 1, bits(&x)[0]]);
    }
}
