//! From the same initial weights both networks follow Keras' curves, within the distance that right answers have from each other.

use std::path::Path;

use wgpool::spec::gradient::Optimizer;
use wgpool::{Backend, Tensor};
use wgpool_net::train::{Dataset, EpochReport, Event, Fit, Loss, Settings, Trainer, Wish, keras_adam};
use wgpool_testing::support;

use crate::nets::{Photos, curve, folder, model, numbers, photos, tensors};

/// Relative distances that are permitted: the first gradients by name, and losses of steps.
struct Tolerance {
    gradients: fn(&str) -> f64,
    first: f64,
    steps_2_to_5: f64,
    steps_6_to_20: f64,
    epochs: f64,
}

/// At 64 pixels.
const SMALL: Tolerance =
    Tolerance { gradients: |_| 5e-5, first: 1e-6, steps_2_to_5: 1e-5, steps_6_to_20: 5e-4, epochs: 0.02 };
const LARGE: Tolerance =
    Tolerance { gradients: |_| 1e-3, first: 1e-6, steps_2_to_5: 1e-4, steps_6_to_20: 5e-4, epochs: 0.03 };
const LARGE_POOL: Tolerance = Tolerance {
    gradients: |name| if name == "conv1.kernel" { 1e-2 } else { 5e-5 },
    first: 1e-6,
    steps_2_to_5: 3e-4,
    steps_6_to_20: 1e-2,
    epochs: 0.03,
};

fn relative(got: f64, expected: f64) -> f64 {
    (got - expected).abs() / expected.abs()
}

fn adam() -> Settings {
    Settings::new(Loss::BinaryCrossEntropy, keras_adam(), 1e-3)
}

/// The losses of the first steps.
fn steps(backend: &Backend, folder: &Path, net: &str, size: usize, count: usize, tolerance: &Tolerance) {
    let Photos { train: (x, y), .. } = photos(size, 32 * count);
    let data = Dataset::new(&x, &y).unwrap();
    let mut trainer = Trainer::new(backend, model(folder, net, size), adam()).unwrap();
    let mut losses = Vec::new();
    let then = |event: &Event| {
        if let Event::Step(report) = event {
            losses.push(report.batch.loss);
        }
        Wish::GoOn
    };
    trainer.fit(&data, None, &Fit::epochs(1).shuffle(false), then).unwrap();
    let expected = numbers(&curve(folder, net, size)["step_loss"]);
    assert_eq!(losses.len(), count);
    let mut worst = [0.0f64; 3];
    for (step, (&got, &expected)) in losses.iter().zip(&expected).enumerate() {
        let (part, permitted) = match step {
            0 => (0, tolerance.first),
            1..5 => (1, tolerance.steps_2_to_5),
            _ => (2, tolerance.steps_6_to_20),
        };
        let off = relative(got, expected);
        worst[part] = worst[part].max(off);
        let name = backend.name();
        assert!(off <= permitted, "{net} {size} on {name}: step {}: {got} {expected} ({off:e})", step + 1);
    }
    println!("{net} {size} on {}: steps 1, 2-5, 6-20 within {worst:?}", backend.name());
}

/// Four epochs as `fit` reports them.
fn epochs(backend: &Backend, net: &str) {
    let Photos { train, val } = photos(64, usize::MAX);
    let (data, others) = (Dataset::new(&train.0, &train.1).unwrap(), Dataset::new(&val.0, &val.1).unwrap());
    let mut trainer = Trainer::new(backend, model(&folder(), net, 64), adam()).unwrap();
    trainer.fit(&data, Some(&others), &Fit::epochs(4).shuffle(false), |_| Wish::GoOn).unwrap();
    let curve = curve(&folder(), net, 64);
    let expected = curve["epochs"].as_array().unwrap();
    assert_eq!(trainer.history().len(), expected.len());
    for (EpochReport { epoch, training, validation, .. }, expected) in trainer.history().iter().zip(expected)
    {
        let validation = validation.unwrap();
        let number = |name: &str| expected[name].as_f64().unwrap();
        for (got, name) in [(training.loss, "loss"), (validation.loss, "val_loss")] {
            let off = relative(got, number(name));
            println!("{net} epoch {epoch}: {name} {got} {} ({off:e})", number(name));
            assert!(off <= SMALL.epochs, "{net} epoch {epoch}: {name} {got} {} ({off:e})", number(name));
        }
        let images = [
            (training.accuracy.unwrap(), "accuracy", 640.0, 4.0),
            (validation.accuracy.unwrap(), "val_accuracy", 160.0, 2.0),
        ];
        for (got, name, all, permitted) in images {
            let off = ((got - number(name)) * all).abs().round();
            assert!(off <= permitted, "{net} epoch {epoch}: {name} {got} {} ({off} images)", number(name));
        }
    }
}

/// The gradients of the first step: what plain descent of rate 1 takes away.
fn first_gradients(backend: &Backend, folder: &Path, net: &str, size: usize, tolerance: &Tolerance) {
    let Photos { train: (x, y), .. } = photos(size, 32);
    let sgd = Optimizer::SgdKeras { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let settings = Settings::new(Loss::BinaryCrossEntropy, sgd, 1.0);
    let mut trainer = Trainer::new(backend, model(folder, net, size), settings).unwrap();
    let before = trainer.weights().unwrap();
    trainer.step(&x, &y).unwrap();
    let expected = tensors(&folder.join(format!("first_gradients_{net}_{size}.safetensors")));
    assert_eq!(expected.len(), before.len());
    for ((name, before), (_, after)) in before.iter().zip(trainer.weights().unwrap()) {
        let name = name.replace('/', ".");
        let values = |tensor: &Tensor| -> Vec<f64> {
            tensor.as_f32().unwrap().iter().map(|&v| f64::from(v)).collect()
        };
        let (before, after, expected) = (values(before), values(&after), values(&expected[&name]));
        let square = |v: f64| v * v;
        let off: f64 = before.iter().zip(&after).zip(&expected).map(|((b, a), e)| square(b - a - e)).sum();
        let norm: f64 = expected.iter().map(|&e| square(e)).sum();
        let off = (off / norm).sqrt();
        println!("{net} {size} gradient of {name}: {off:e}");
        assert!(off <= (tolerance.gradients)(&name), "{net} {size} gradient of {name}: {off:e}");
    }
}

fn gpu() -> Backend {
    Backend::Gpu(support::engine().clone())
}

#[test]
fn twenty_steps_on_the_host() {
    for net in ["pool", "nopool"] {
        steps(&Backend::Host, &folder(), net, 64, 20, &SMALL);
    }
}

#[test]
fn twenty_steps_on_a_gpu() {
    for net in ["pool", "nopool"] {
        steps(&gpu(), &folder(), net, 64, 20, &SMALL);
    }
}

#[test]
fn first_gradients_are_keras_on_the_host() {
    for net in ["pool", "nopool"] {
        first_gradients(&Backend::Host, &folder(), net, 64, &SMALL);
    }
}

#[test]
fn first_gradients_are_keras_on_a_gpu() {
    for net in ["pool", "nopool"] {
        first_gradients(&gpu(), &folder(), net, 64, &SMALL);
    }
}

#[test]
fn four_epochs_on_the_host() {
    for net in ["pool", "nopool"] {
        epochs(&Backend::Host, net);
    }
}

/// What takes minutes: `WGPOOL_TRAINING` names a folder with the curves and initial weights at 224 pixels.
#[test]
#[ignore = "takes minutes, and the folder that WGPOOL_TRAINING names"]
fn long() {
    let large = std::env::var_os("WGPOOL_TRAINING").expect("WGPOOL_TRAINING names a folder");
    let large = Path::new(&large);
    for net in ["pool", "nopool"] {
        epochs(&gpu(), net);
    }
    first_gradients(&Backend::Host, large, "pool", 224, &LARGE_POOL);
    for (net, tolerance) in [("pool", &LARGE_POOL), ("nopool", &LARGE)] {
        steps(&Backend::Host, large, net, 224, 20, tolerance);
        steps(&gpu(), large, net, 224, 5, tolerance);
    }
}
