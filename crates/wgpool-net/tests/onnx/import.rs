//! Models lowered to programs: what the documentation lists, and hostile ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wgpool::Error;
use wgpool::error::Refusal;
use wgpool_net::onnx::{self, Model, Options};
use wgpool_testing::fuzz::{self, count, garble, pick};
use wgpool_testing::verify::random::Rng;

use super::fuzz::edited;
use super::message::{Message, model, models, node, value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_documentation_lists_the_operators() {
    let text = std::fs::read_to_string(root().join("docs/onnx.md")).unwrap();
    let table = text.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let listed: BTreeSet<&str> = table.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    for operator in onnx::operators() {
        assert!(listed.contains(operator), "docs/onnx.md does not list {operator}");
    }
}

#[test]
fn all_operators_that_are_missing_are_named_at_once() {
    let graph = Message::new()
        .with(1, node("Sonnet", &["x"], &["a"]))
        .with(1, node("Relu", &["a"], &["b"]))
        .with(1, node("Haiku", &["b"], &["y"]))
        .with(11, value("x"))
        .with(12, value("y"));
    let file = model(graph);
    let error = Model::parse(&file).unwrap().program(&Options::default()).unwrap_err();
    assert!(matches!(error, Error::Network { refusal: Refusal::Unsupported, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("Sonnet") && text.contains("Haiku") && !text.contains("Relu"), "{text}");
}

#[test]
fn batch_normalisation_is_computed_in_the_type_of_its_input() {
    use half::f16;
    use wgpool::{Backend, Data, Tensor};
    let half =
        |name: &str| Message::new().bytes(1, name).with(2, Message::new().with(1, Message::new().int(1, 10)));
    let mut graph = Message::new()
        .with(1, node("BatchNormalization", &["x", "scale", "shift", "mean", "variance"], &["y"]))
        .with(11, half("x"))
        .with(12, half("y"));
    for (name, number) in [("scale", 2.0), ("shift", 1.0), ("mean", 0.5), ("variance", 4.0)] {
        let bytes = f16::from_f32(number).to_le_bytes();
        graph = graph.with(5, Message::new().ints(1, &[1]).int(2, 10).bytes(8, name).bytes(9, bytes));
    }
    let file = model(graph);
    let program = Model::parse(&file).unwrap().program(&Options::default().shape("x", [1, 1, 2])).unwrap();
    let x = Tensor::new(&[1, 1, 2], [4.5, -1.5].map(f16::from_f32).to_vec()).unwrap();
    let y = program.run(&Backend::Host, &x).unwrap();
    assert_eq!(*y.data(), Data::from([5.0, -1.0].map(f16::from_f32).to_vec()));
}

#[test]
fn nodes_share_the_weights_that_they_share_in_the_file() {
    let weight = Message::new().ints(1, &[2]).int(2, 1).bytes(8, "w").bytes(9, [0, 0, 128, 63, 0, 0, 0, 64]);
    let graph = Message::new()
        .with(1, node("Add", &["x", "w"], &["a"]))
        .with(1, node("Mul", &["a", "w"], &["y"]))
        .with(5, weight)
        .with(11, value("x"))
        .with(12, value("y"));
    let file = model(graph);
    let program = Model::parse(&file).unwrap().program(&Options::default().shape("x", [2])).unwrap();
    let weights: Vec<_> = program.steps.iter().flat_map(|step| step.weights()).collect();
    assert!(matches!(weights.as_slice(), [a, b] if Arc::ptr_eq(a, b)), "{weights:?}");
}

#[test]
fn open_lengths_are_asked_for() {
    let file = onnx::read(root().join("tests/data/onnx_graphs/g030.onnx"));
    let file = file.or_else(|_| onnx::read(root().join("tests/data/onnx_graphs/g085.onnx"))).unwrap();
    let model = Model::parse(&file).unwrap();
    let error = model.program(&Options::default()).unwrap_err().to_string();
    assert!(error.contains("input") && error.contains("open"), "{error}");
    let name = model.inputs().next().unwrap().name().to_owned();
    let error = model.program(&Options::default().shape(name, [1])).unwrap_err();
    assert!(matches!(error, Error::Network { refusal: Refusal::Shape, .. }), "{error}");
}

/// A model with other bytes or fields in it is lowered or refused, and takes no more memory than it may.
#[test]
fn hostile_models_are_lowered_or_refused() {
    const MOST: usize = 1 << 18;
    let mut rng = Rng::new(12);
    let folder = std::fs::read_dir(root().join("tests/data/onnx_graphs")).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "onnx")).collect();
    paths.extend(models("legal").into_iter().map(|(_, path)| path));
    paths.sort();
    let mut seeds: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    seeds.retain(|seed| seed.len() < 12_000);
    assert!(seeds.len() > 20);
    let (mut lowered, mut refused) = (0, 0);
    for _ in 0..count(4_000) {
        let (seed, other) = (pick(&mut rng, &seeds), pick(&mut rng, &seeds));
        let bytes = match rng.one_in(8) {
            true => garble(&mut rng, seed, other),
            false => edited(&mut rng, seed, other),
        };
        let Ok(model) = Model::parse(&bytes) else { continue };
        let mut options = Options::default().most_bytes(MOST);
        for input in model.inputs() {
            let Ok(ty) = input.tensor_type() else { continue };
            let open = ty.dims.unwrap_or_default();
            let shape: Vec<usize> = open
                .iter()
                .map(|dim| if let onnx::Dim::Known(length) = dim { *length } else { 16 })
                .collect();
            options = options.shape(input.name(), shape);
        }
        let (result, peak) = fuzz::peak(|| model.program(&options).and_then(|program| program.optimised()));
        assert!(peak < 64 << 20, "{peak} bytes for a model of {}", bytes.len());
        match result {
            Ok(_) => lowered += 1,
            Err(_) => refused += 1,
        }
    }
    println!("{lowered} lowered, {refused} refused");
    assert!(lowered > 100 && refused > 100, "{lowered} lowered, {refused} refused");
}
