//! What a trainer does beside following a curve.

use std::path::PathBuf;

use wgpool::spec::gradient::{Optimizer, OptimizerInput};
use wgpool::{
    Activation, Backend, BinaryFunction, Conv, Data, Dense, Elementwise, Error, KernelLayout, Layout, Op,
    Operand, Padding, Pool, Tensor, TensorDesc, host,
};
use wgpool_net::train::{
    Clip, Dataset, Event, Fit, Initializer, Loss, Schedule, Settings, Trainer, Wish, initialise, keras_adam,
};
use wgpool_net::{BatchNorm, DropoutRate, Graph, LayerKind, Model, Weight, keras};
use wgpool_testing::support::{self, numbers};

fn backends() -> [Backend; 2] {
    [Backend::Host, Backend::Gpu(support::engine().clone())]
}

fn f32s(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_f32(shape, values.to_vec()).unwrap()
}

/// Convolution, normalisation, pooling, dropout, and three classes.
fn model() -> Model {
    let conv = Conv::new().layout(Layout::Nhwc).kernel_layout(KernelLayout::Hwio).padding(Padding::SameUpper);
    let of = |shape: &[usize]| Weight::Shape(shape.to_vec());
    let norm = BatchNorm {
        gamma: Some(of(&[5])),
        beta: Some(of(&[5])),
        mean: of(&[5]),
        variance: of(&[5]),
        epsilon: 1e-3,
        momentum: 0.75,
        layout: Layout::Nhwc,
    };
    let dropout = |channels| LayerKind::DropoutRate(DropoutRate { rate: 0.25, channels });
    let dense = LayerKind::Dense { spec: Dense::new(), kernel: of(&[45, 3]), bias: Some(of(&[3])) };
    let mut model = Model::new("small", [6, 6, 2])
        .layer("conv", LayerKind::Conv { spec: conv, kernel: of(&[3, 3, 2, 5]), bias: Some(of(&[5])) })
        .layer("norm", LayerKind::BatchNorm(norm))
        .layer("relu", LayerKind::Activation(Activation::Relu))
        .layer("drop channels", dropout(Some(Layout::Nhwc)))
        .layer("pool", LayerKind::Pool(Pool::max([2, 2]).layout(Layout::Nhwc)))
        .layer("flatten", LayerKind::Flatten { from: Layout::Nhwc })
        .layer("drop", dropout(None))
        .layer("dense", dense);
    initialise(&mut model, Initializer::GlorotUniform, 5).unwrap();
    model
}

/// Images of three classes that differ in their brightness.
fn images(n: usize) -> (Tensor, Tensor) {
    let noise = numbers(&[n, 6, 6, 2], 3);
    let largest = noise.as_f32().unwrap().iter().fold(0f32, |most, v| most.max(v.abs()));
    let each = noise.as_f32().unwrap().iter().enumerate();
    let values = each.map(|(at, v)| v / largest + (at / 72 % 3) as f32).collect();
    let labels = (0..n).map(|i| (i % 3) as i32).collect();
    (Tensor::from_f32(&[n, 6, 6, 2], values).unwrap(), Tensor::new(&[n], Data::I32(labels)).unwrap())
}

fn settings() -> Settings {
    Settings { batch: 8, seed: 11, ..Settings::new(Loss::SoftmaxCrossEntropy, keras_adam(), 0.01) }
}

fn bits(weights: &[(String, Tensor)]) -> Vec<u8> {
    weights.iter().flat_map(|(_, tensor)| tensor.data().as_bytes().to_vec()).collect()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("training-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

/// It learns, and the last batch of an epoch may be smaller; two runs of one seed have the same bits, another seed has others.
#[test]
fn the_same_seed_gives_the_same_bits() {
    let (x, y) = images(30);
    let data = Dataset::new(&x, &y).unwrap();
    for backend in backends() {
        let run = |seed: u64| {
            let mut trainer = Trainer::new(&backend, model(), Settings { seed, ..settings() }).unwrap();
            trainer.fit(&data, Some(&data), &Fit::epochs(20), |_| Wish::GoOn).unwrap();
            assert_eq!(trainer.steps(), 20 * 4);
            (bits(&trainer.weights().unwrap()), trainer.history().to_vec())
        };
        let (weights, history) = run(1);
        assert_eq!((weights.clone(), history.clone()), run(1));
        assert_ne!(weights, run(2).0);
        let validation = history[19].validation.unwrap();
        assert!(validation.loss < 0.5 * history[0].training.loss, "{history:?}");
        assert!(validation.accuracy.unwrap() > 0.9, "{history:?}");
    }
}

/// A run that is stopped anywhere, written to a file and resumed goes on with the same bits.
#[test]
fn resumed_runs_have_the_same_bits() {
    let (x, y) = images(30);
    let data = Dataset::new(&x, &y).unwrap();
    let folder = Folder::new("resume");
    for (number, backend) in backends().into_iter().enumerate() {
        let mut whole = Trainer::new(&backend, model(), settings()).unwrap();
        whole.fit(&data, Some(&data), &Fit::epochs(3), |_| Wish::GoOn).unwrap();
        for stop in [1, 4, 6, 12] {
            let path = folder.0.join(format!("{number}-{stop}.safetensors"));
            {
                let mut first = Trainer::new(&backend, model(), settings()).unwrap();
                let then = |event: &Event| match event {
                    Event::Step(report) if report.step >= stop => Wish::Stop,
                    _ => Wish::GoOn,
                };
                first.fit(&data, Some(&data), &Fit::epochs(3), then).unwrap();
                assert!(first.steps() < 3 * 4 || stop == 12);
                first.save(&path).unwrap();
            }
            let mut second = Trainer::resume(&backend, model(), settings(), &path).unwrap();
            second.fit(&data, Some(&data), &Fit::epochs(3), |_| Wish::GoOn).unwrap();
            assert_eq!(second.history(), whole.history(), "stopped after {stop}");
            assert_eq!(bits(&second.weights().unwrap()), bits(&whole.weights().unwrap()));
            assert_eq!(second.steps(), whole.steps());
        }
    }
    let left: Vec<_> =
        std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("part")), "{left:?}");
}

#[test]
fn other_checkpoints_are_refused() {
    let folder = Folder::new("refused");
    let path = folder.0.join("checkpoint.safetensors");
    let trainer = Trainer::new(&Backend::Host, model(), settings()).unwrap();
    trainer.save(&path).unwrap();
    let other = Settings { rate: 0.5, ..settings() };
    let error = Trainer::resume(&Backend::Host, model(), other, &path).unwrap_err();
    assert!(matches!(error, Error::Document { .. }) && error.to_string().contains("0.5"), "{error}");
    // Steps in flight are no part of the numbers.
    let same = Settings { in_flight: 1, ..settings() };
    Trainer::resume(&Backend::Host, model(), same, &path).unwrap();

    let bytes = std::fs::read(&path).unwrap();
    for broken in [&bytes[..bytes.len() - 1], &bytes[..20], &[]] {
        std::fs::write(&path, broken).unwrap();
        let error = Trainer::resume(&Backend::Host, model(), settings(), &path).unwrap_err();
        assert!(matches!(error, Error::Document { .. }), "{error}");
    }
    trainer.save_weights(&path).unwrap();
    let error = Trainer::resume(&Backend::Host, model(), settings(), &path).unwrap_err();
    assert!(error.to_string().contains("format"), "{error}");
    let nowhere = folder.0.join("no folder/checkpoint");
    assert!(matches!(trainer.save(&nowhere), Err(Error::File { .. })));
    assert!(matches!(
        Trainer::resume(&Backend::Host, model(), settings(), &nowhere),
        Err(Error::File { .. })
    ));
}

/// `y = x * w` without a bias, of one weight.
fn line(weight: f32) -> Model {
    let kernel = f32s(&[1, 1], &[weight]).into();
    Model::new("line", [1]).layer("a", LayerKind::Dense { spec: Dense::new(), kernel, bias: None })
}

fn weight(trainer: &Trainer) -> f32 {
    trainer.weights().unwrap()[0].1.as_f32().unwrap()[0]
}

/// The program's optimisers are those whose numbers are in the formulas, bit for bit.
#[test]
fn optimisers_have_the_bits_of_their_formulas() {
    let adam = |decay, torch, decoupled| match torch {
        true => Optimizer::AdamTorch { betas: [0.9, 0.99], epsilon: 1e-8, weight_decay: decay, decoupled },
        false => Optimizer::AdamKeras { betas: [0.9, 0.99], epsilon: 1e-7, weight_decay: decay },
    };
    let sgd = |momentum, nesterov, decay| {
        let (dampening, weight_decay) = (if nesterov { 0.0 } else { 0.25 }, decay);
        [
            Optimizer::SgdTorch { momentum, dampening, nesterov, weight_decay },
            Optimizer::SgdKeras { momentum, nesterov, weight_decay },
        ]
    };
    let mut all = vec![adam(0.0, false, false), adam(0.01, false, false), adam(0.0, true, false)];
    all.extend([adam(0.01, true, false), adam(0.01, true, true)]);
    all.extend([sgd(0.0, false, 0.0), sgd(0.9, false, 0.01), sgd(0.9, true, 0.01)].concat());
    let schedule = Schedule::Step { every: 2, factor: 0.5 };
    for optimizer in all {
        for backend in backends() {
            let settings = Settings { schedule, ..Settings::new(Loss::MeanSquaredError, optimizer, 0.1) };
            let mut trainer = Trainer::new(&backend, line(0.5), settings).unwrap();
            let (mut parameter, mut states) = (0.5f32, vec![0.0f32; optimizer.states()]);
            for step in 1..=5u32 {
                let (x, y) = (1.0 + step as f32, 3.0);
                trainer.step(&f32s(&[1, 1], &[x]), &f32s(&[1, 1], &[y])).unwrap();
                // Of (x w - y)^2.
                let gradient = (x * parameter - y) * 2.0 * x;
                let rate = if step <= 2 {
                    0.1
                } else if step <= 4 {
                    0.05
                } else {
                    0.025
                };
                let formulas = optimizer.step(step, rate);
                let run = |of: &wgpool::spec::gradient::OptimizerFormula, states: &[f32]| {
                    let input = |input: &OptimizerInput| match *input {
                        OptimizerInput::Parameter => parameter,
                        OptimizerInput::Gradient => gradient,
                        OptimizerInput::State(at) => states[at],
                        OptimizerInput::Number(_) => panic!("the numbers are in the formula"),
                    };
                    let inputs: Vec<Tensor> = of.inputs.iter().map(|i| f32s(&[1], &[input(i)])).collect();
                    let inputs: Vec<&Tensor> = inputs.iter().collect();
                    host::run(&Op::from(of.formula.clone()), &inputs).unwrap()[0].as_f32().unwrap()[0]
                };
                states = formulas.states.iter().map(|of| run(of, &states)).collect();
                parameter = run(&formulas.parameter, &states);
                match &backend {
                    Backend::Host => assert_eq!(weight(&trainer), parameter, "{optimizer:?} step {step}"),
                    // Roots and quotients of devices may be some units off.
                    _ => {
                        let off = (weight(&trainer) - parameter).abs();
                        assert!(off <= 1e-6, "{optimizer:?} step {step}: {off:e}");
                        parameter = weight(&trainer);
                    }
                }
            }
        }
    }
}

#[test]
fn gradients_are_clipped() {
    let sgd = Optimizer::SgdKeras { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    // Gradients -6 and -8 of a kernel of two, of the norm 10, and -2 of a bias.
    let model = || {
        let (kernel, bias) = (f32s(&[2, 1], &[0.0, 0.0]).into(), Some(f32s(&[1], &[0.0]).into()));
        Model::new("two", [2]).layer("a", LayerKind::Dense { spec: Dense::new(), kernel, bias })
    };
    let global = 5.0 / 104.0f32.sqrt();
    for (clip, expected) in [
        (None, [6.0, 8.0, 2.0]),
        (Some(Clip::Value(7.0)), [6.0, 7.0, 2.0]),
        (Some(Clip::Norm(5.0)), [3.0, 4.0, 2.0]),
        (Some(Clip::Norm(20.0)), [6.0, 8.0, 2.0]),
        (Some(Clip::GlobalNorm(5.0)), [6.0 * global, 8.0 * global, 2.0 * global]),
    ] {
        for backend in backends() {
            let settings = Settings { clip, ..Settings::new(Loss::MeanSquaredError, sgd, 1.0) };
            let mut trainer = Trainer::new(&backend, model(), settings).unwrap();
            let metrics = trainer.step(&f32s(&[1, 2], &[3.0, 4.0]), &f32s(&[1, 1], &[1.0])).unwrap();
            assert_eq!((metrics.loss, metrics.accuracy), (1.0, None));
            let weights = trainer.weights().unwrap();
            let got: Vec<f32> = weights.iter().flat_map(|(_, w)| w.as_f32().unwrap().to_vec()).collect();
            let close = got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() <= 1e-5);
            assert!(close, "{clip:?}: {got:?} {expected:?}");
        }
    }
}

/// A loss that is not finite ends the run, with its step and the first bad tensor, and leaves the parameters as they were.
#[test]
fn what_is_not_finite_ends_training() {
    let sgd = Optimizer::SgdKeras { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    for backend in backends() {
        let settings = Settings { batch: 1, ..Settings::new(Loss::MeanSquaredError, sgd, 0.1) };
        let mut trainer = Trainer::new(&backend, line(0.5), settings).unwrap();
        let x = f32s(&[6, 1], &[1.0, 1.0, f32::NAN, 1.0, 1.0, 1.0]);
        let y = f32s(&[6, 1], &[1.0; 6]);
        let mut before = Vec::new();
        let then = |event: &Event| {
            if let Event::Step(report) = event {
                before.push(report.batch.loss);
            }
            Wish::GoOn
        };
        let data = Dataset::new(&x, &y).unwrap();
        let error = trainer.fit(&data, None, &Fit::epochs(1).shuffle(false), then).unwrap_err();
        let Error::NotFinite { during, tensor } = &error else { panic!("{error}") };
        assert_eq!((during.as_str(), tensor.as_str()), ("training step 3", "the examples"));
        assert_eq!(before.len(), 2);
        // Two steps: 0.5 -> 0.6 -> 0.68.
        assert!((weight(&trainer) - 0.68).abs() < 1e-6, "{}", weight(&trainer));

        // Too large for f32 in the first layer: 1e30 * 1e10.
        let mut trainer = Trainer::new(&backend, line(1e10), settings).unwrap();
        let error = trainer.step(&f32s(&[1, 1], &[1e30]), &f32s(&[1, 1], &[0.0])).unwrap_err();
        assert!(error.to_string().contains("step 1") && error.to_string().contains("a (dense"), "{error}");
        assert_eq!(weight(&trainer), 1e10);
    }
}

/// Statistics of the batch normalise it, and the running ones follow by Keras' rule.
#[test]
fn running_statistics_follow() {
    let of = |values: &[f32]| Some(f32s(&[1], values).into());
    let norm = BatchNorm {
        gamma: of(&[2.0]),
        beta: of(&[1.0]),
        mean: f32s(&[1], &[0.0]).into(),
        variance: f32s(&[1], &[1.0]).into(),
        epsilon: 0.0,
        momentum: 0.75,
        layout: Layout::Nhwc,
    };
    let model = Model::new("norm", [1]).layer("norm", LayerKind::BatchNorm(norm));
    let sgd = Optimizer::SgdKeras { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    for backend in backends() {
        let settings = Settings::new(Loss::MeanSquaredError, sgd, 1e-9);
        let mut trainer = Trainer::new(&backend, model.clone(), settings).unwrap();
        // Mean 3, variance 4: normalised to -1 and 1, scaled to -1 and 3.
        let (x, y) = (f32s(&[2, 1], &[1.0, 5.0]), f32s(&[2, 1], &[-1.0, 3.0]));
        assert!(trainer.step(&x, &y).unwrap().loss < 1e-10);
        let weights = trainer.weights().unwrap();
        let value = |name: &str| weights.iter().find(|(own, _)| own == name).unwrap().1.as_f32().unwrap()[0];
        assert!((value("norm/moving_mean") - 0.75).abs() < 1e-6);
        assert!((value("norm/moving_variance") - 1.75).abs() < 1e-6);
        // Evaluation normalises by these: 1 is (1 - 0.75) / sqrt(1.75) * 2 + 1.
        let one = (f32s(&[1, 1], &[1.0]), f32s(&[1, 1], &[0.25 / 1.75f32.sqrt() * 2.0 + 1.0]));
        let data = Dataset::new(&one.0, &one.1).unwrap();
        assert!(trainer.evaluate(&data).unwrap().loss < 1e-10);
        // As does the model that comes out.
        let trained = trainer.model().unwrap().unwrap();
        let out = trained.program(1).unwrap().run(&Backend::Host, &one.0).unwrap();
        assert!((out.as_f32().unwrap()[0] - one.1.as_f32().unwrap()[0]).abs() < 1e-6);
    }
}

/// The gradients through normalisation, whose parts are ordinary operations: a step lowers the loss as much as central differences say.
#[test]
fn gradients_go_through_normalisation_and_dropout() {
    let (x, y) = images(8);
    let sgd = Optimizer::SgdKeras { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let settings = Settings { rate: 1.0, optimizer: sgd, ..settings() };
    let loss_of =
        |model: Model| Trainer::new(&Backend::Host, model, settings).unwrap().step(&x, &y).unwrap().loss;

    let mut trainer = Trainer::new(&Backend::Host, model(), settings).unwrap();
    trainer.step(&x, &y).unwrap();
    let before = model().weights().unwrap();
    for ((name, before), (same, after)) in
        before.iter().zip(trainer.model().unwrap().unwrap().weights().unwrap())
    {
        assert_eq!(*name, same);
        if name.contains("moving") {
            continue;
        }
        let (before_, after) = (before.as_f32().unwrap(), after.as_f32().unwrap());
        let gradient: Vec<f64> = before_.iter().zip(after).map(|(b, a)| f64::from(b - a)).collect();
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        if name == "conv/bias" {
            // The batch's mean takes it away.
            assert!(norm < 1e-5, "{norm:e}");
            continue;
        }
        // Along the gradient itself.
        let moved = |by: f64| {
            let values = before_.iter().zip(&gradient).map(|(w, g)| (f64::from(*w) + by * g / norm) as f32);
            let mut model = model();
            model.set_weights([(name, Tensor::from_f32(before.shape(), values.collect()).unwrap())]).unwrap();
            loss_of(model)
        };
        // So short that hardly a maximum is another element's.
        let step = 5e-4;
        let slope = (moved(step) - moved(-step)) / (2.0 * step);
        assert!((slope - norm).abs() <= 5e-3 * norm, "{name}: {slope} {norm}");
    }
}

/// Frozen layers stay, and the others are trained; a whole model that is a layer can be frozen too.
#[test]
fn frozen_layers_stay() {
    let mut frozen = model();
    for layer in &mut frozen.layers {
        layer.trainable = layer.name == "dense";
    }
    let (x, y) = images(8);
    let mut trainer = Trainer::new(&Backend::Host, frozen, settings()).unwrap();
    trainer.step(&x, &y).unwrap();
    let names: Vec<String> = trainer.weights().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["dense/kernel", "dense/bias"]);
    let after = trainer.model().unwrap().unwrap().weights().unwrap();
    for ((name, before), (_, after)) in model().weights().unwrap().iter().zip(&after) {
        assert_eq!(before != after, name.starts_with("dense"), "{name}");
    }
    let mut all = model();
    all.layers.iter_mut().for_each(|layer| layer.trainable = false);
    let error = Trainer::new(&Backend::Host, all, settings()).unwrap_err();
    assert!(error.to_string().contains("nothing to train"), "{error}");
}

/// A graph with the same operations has the same bits as the model.
#[test]
fn programs_are_trained_too() {
    let weights = [numbers(&[4, 3], 1), numbers(&[3], 2)];
    let dense = Dense::new().activation(Activation::Tanh);
    let (x, y) = (numbers(&[6, 4], 3), numbers(&[6, 3], 4));
    let settings = Settings { batch: 6, ..Settings::new(Loss::MeanSquaredError, keras_adam(), 0.01) };
    let mut g = Graph::new("net");
    let input = g.input("x", TensorDesc::f32([6, 4]));
    let [kernel, bias] = weights.clone().map(|weight| g.constant(weight));
    let output = g.at("a").one(dense, &[input, kernel, bias]).unwrap();
    g.output("y", output);
    let mut of_program = Trainer::new(&Backend::Host, g.finish().unwrap(), settings).unwrap();
    let [kernel, bias] = weights;
    let layer = LayerKind::Dense { spec: dense, kernel: kernel.into(), bias: Some(bias.into()) };
    let model = Model::new("net", [4]).layer("a", layer);
    let mut of_model = Trainer::new(&Backend::Host, model, settings).unwrap();
    for _ in 0..3 {
        assert_eq!(of_program.step(&x, &y).unwrap(), of_model.step(&x, &y).unwrap());
    }
    assert_eq!(of_program.weights().unwrap(), of_model.weights().unwrap());
    assert!(of_program.model().unwrap().is_none());
    // Another batch is the same program.
    of_program.step(&numbers(&[2, 4], 5), &numbers(&[2, 3], 6)).unwrap();
}

/// Keras' digits go on learning, and what comes out is read again.
#[test]
fn weights_come_out_by_keras_names() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist");
    let read = |name: &str| std::fs::read(data.join(name)).unwrap();
    let model = keras::from_config(read("config.json"), &read("weights.safetensors")).unwrap();
    let shape = [&[4], model.inputs[0].shape.as_slice()].concat();
    let x = numbers(&shape, 3);
    let y = Tensor::new(&[4], Data::I32(vec![1, 2, 3, 4])).unwrap();
    let settings = Settings::new(Loss::SoftmaxCrossEntropy, keras_adam(), 1e-3);
    let mut trainer = Trainer::new(&Backend::Host, model.clone(), settings).unwrap();
    let first = trainer.step(&x, &y).unwrap().loss;
    for _ in 0..20 {
        trainer.step(&x, &y).unwrap();
    }
    assert!(trainer.step(&x, &y).unwrap().loss < first);
    let folder = Folder::new("weights");
    let path = folder.0.join("weights.safetensors");
    trainer.save_weights(&path).unwrap();
    let again = keras::from_config(read("config.json"), &std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(again.weights().unwrap(), trainer.model().unwrap().unwrap().weights().unwrap());
    assert_ne!(again.weights().unwrap(), model.weights().unwrap());
}

/// Random changes of images are not trained with: that is said before anything runs.
#[test]
fn what_cannot_be_trained_is_refused() {
    let noisy = model().layer("noise", LayerKind::Dropout);
    let error = Trainer::new(&Backend::Host, noisy, settings()).unwrap_err();
    assert!(error.to_string().contains("noise"), "{error}");
    let open = Model::new("open", [2])
        .layer("a", LayerKind::Dense { spec: Dense::new(), kernel: Weight::Shape(vec![2, 1]), bias: None });
    let error = Trainer::new(&Backend::Host, open, settings()).unwrap_err();
    assert!(error.to_string().contains("no values"), "{error}");
    for wrong in [Settings { batch: 0, ..settings() }, Settings { rate: f64::NAN, ..settings() }] {
        let error = Trainer::new(&Backend::Host, model(), wrong).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
    }
    let mut trainer = Trainer::new(&Backend::Host, model(), settings()).unwrap();
    let (x, y) = images(8);
    assert!(matches!(trainer.step(&y, &x), Err(Error::Shape { .. })));
    assert!(trainer.step(&x, &images(4).1).is_err());
}

/// The plan of memory counts forward and backward together: what the backward pass reads is kept, the rest is not.
#[test]
fn the_peak_of_a_step_is_stated() {
    // Ten layers of one convolution, ReLU: the backward pass reads each layer's result.
    let spec = Conv::new().padding(Padding::symmetric([1, 1])).activation(Activation::Relu);
    let mut deep = Model::new("deep", [8, 16, 16]);
    for at in 0..10 {
        let kernel = Weight::Shape(vec![8, 8, 3, 3]);
        deep = deep.layer(format!("conv{at}"), LayerKind::Conv { spec: spec.clone(), kernel, bias: None });
    }
    initialise(&mut deep, Initializer::HeNormal, 1).unwrap();
    let sgd = Optimizer::SgdKeras { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
    let settings = Settings { batch: 4, ..Settings::new(Loss::MeanSquaredError, sgd, 0.1) };
    let trainer = Trainer::new(&Backend::Host, deep, settings).unwrap();
    let image = 4 * 8 * 16 * 16 * 4;
    let scratch = trainer.explain().unwrap().scratch;
    println!("scratch {scratch} of {image} a layer");
    // All results, and two gradients on their way; the last result is an output of the program.
    assert!(scratch >= 9 * image && scratch <= 13 * image, "{scratch} of {image}");
    assert!(trainer.explain().unwrap().peak_memory() > scratch);
}

/// A step in the app's own encoder and submission is the trainer's own step.
#[test]
fn steps_are_recorded_into_the_apps_encoder() {
    let engine = support::engine().clone();
    let backend = Backend::Gpu(engine.clone());
    let (x, y) = images(8);
    let [mut own, mut encoded] = [(); 2].map(|()| Trainer::new(&backend, model(), settings()).unwrap());
    for _ in 0..3 {
        let expected = own.step(&x, &y).unwrap();
        let mut encoder = engine.device().create_command_encoder(&Default::default());
        let step = pollster::block_on(encoded.encode_async(&mut encoder, &x, &y)).unwrap();
        let pending = step.submitted(engine.queue().submit([encoder.finish()]));
        assert_eq!(pollster::block_on(pending.read()).unwrap(), expected);
    }
    assert_eq!(bits(&own.weights().unwrap()), bits(&encoded.weights().unwrap()));
    let mut on_host = Trainer::new(&Backend::Host, model(), settings()).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    let refused = pollster::block_on(on_host.encode_async(&mut encoder, &x, &y));
    assert!(matches!(refused, Err(Error::NoDevice { .. })));
}

/// The formulas of a step in pieces, as devices need that bind four buffers, have the same bits as whole ones.
#[test]
fn devices_with_few_bindings_are_trained_on() {
    let engine = support::engine();
    let mut caps = engine.caps().clone();
    caps.max_storage_buffers = 4;
    let (x, y) = images(8);
    let run = |engine: &wgpool::Engine| {
        let mut trainer = Trainer::new(&Backend::Gpu(engine.clone()), model(), settings()).unwrap();
        for _ in 0..3 {
            trainer.step(&x, &y).unwrap();
        }
        trainer.weights().unwrap()
    };
    let (few, many) = (run(&engine.with_caps(caps)), run(engine));
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        for (few, many) in few.as_f32().unwrap().iter().zip(many.as_f32().unwrap()) {
            assert!((few - many).abs() <= 1e-5, "{name}: {few} {many}");
        }
    }
}

/// Formulas of the app's own between layers are trained through.
#[test]
fn formulas_are_trained_through() {
    let mut g = Graph::new("net");
    let x = g.input("x", TensorDesc::f32([2, 3]));
    let kernel = g.constant(numbers(&[3, 3], 8));
    let a = g.at("a").one(Dense::new(), &[x, kernel]).unwrap();
    let formula = Elementwise { inputs: 1, steps: vec![] }
        .then(BinaryFunction::Multiply, Operand::Number(0.5))
        .then_activation(Activation::Gelu);
    let y = g.at("formula").one(formula, &[a]).unwrap();
    g.output("y", y);
    let settings = Settings { batch: 2, ..Settings::new(Loss::MeanSquaredError, keras_adam(), 0.05) };
    let mut trainer = Trainer::new(&Backend::Host, g.finish().unwrap(), settings).unwrap();
    let (x, y) = (numbers(&[2, 3], 9), f32s(&[2, 3], &[0.5; 6]));
    let first = trainer.step(&x, &y).unwrap().loss;
    let last = (0..50).map(|_| trainer.step(&x, &y).unwrap().loss).last().unwrap();
    assert!(last < 0.5 * first, "{first} {last}");
}

/// ONNX files with one input and one output are trained, or refused with a reason. Weights that nodes make have the nodes' names.
#[test]
fn onnx_files_are_trained() {
    use wgpool_net::onnx::{Model, Options};
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx/legal");
    let options = Options::default().dim("N", 2).dim("H", 16).dim("W", 16);
    let mut trained = Vec::new();
    for name in ["graph_001", "graph_028", "graph_056", "graph_077"] {
        let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let file = Model::parse(&bytes).unwrap();
        let program = file.program(&options).unwrap();
        let [input] = program.inputs.as_slice() else { continue };
        let [output] = program.outputs.as_slice() else { continue };
        let (x, y) = (numbers(&input.desc.shape, 1), numbers(&output.desc.shape, 2));
        let batch = input.desc.shape[0];
        let settings = Settings { batch, ..Settings::new(Loss::MeanSquaredError, keras_adam(), 1e-3) };
        let mut trainer = match Trainer::new(&Backend::Host, program, settings) {
            Ok(trainer) => trainer,
            Err(error) => {
                println!("{name}: {error}");
                assert!(matches!(error, Error::Layer { .. } | Error::Document { .. }), "{name}: {error:?}");
                continue;
            }
        };
        let first = trainer.step(&x, &y).unwrap().loss;
        let last = (0..20).map(|_| trainer.step(&x, &y).unwrap().loss).last().unwrap();
        println!("{name}: {first} {last}");
        assert!(last < first, "{name}: {first} {last}");
        trained.extend(trainer.weights().unwrap().into_iter().map(|(name, _)| name));
    }
    assert_eq!(trained, ["node5/kernel", "node5/bias", "Conv_19/kernel", "Conv_19/bias"]);
}
