//! Sessions: other weights and batch sizes without compiling again, one pass for all, and 16-bit floats.

use std::path::PathBuf;
use std::sync::Arc;

use wgpool::engine::{Engine, Readback};
use wgpool::plan::Plan;
use wgpool::{Activation, Backend, DType, Data, Error, Op, Tensor, half::f16, reference, wgpu};
use wgpool_net::{BatchNorm, LayerKind, Memory, Model, Program, Session, Weight, keras};
use wgpool_testing::support;

fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}

fn digits() -> Model {
    keras::load(data("data/mnist"), None).unwrap()
}

/// Numbers from 0 to 1 that look random.
fn numbers(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let value = |i: usize| (i as u32).wrapping_mul(2_654_435_761).rotate_left(7) as f32 / u32::MAX as f32;
    Tensor::from_f32(shape, (0..count).map(value).collect()).unwrap()
}

/// An engine whose pipelines no other test builds.
fn engine() -> Engine {
    support::engine().without_pipelines()
}

fn backends() -> Vec<Backend> {
    vec![Backend::Gpu(engine()), Backend::Host, Backend::Reference]
}

/// A half of every weight of one layer.
fn halved(model: &Model, layer: &str) -> Vec<(String, Tensor)> {
    let half = |(name, w): (String, Tensor)| {
        let values = w.as_f32().unwrap().iter().map(|v| v / 2.0).collect();
        (name, Tensor::from_f32(w.shape(), values).unwrap())
    };
    let of_layer = |(name, _): &(String, Tensor)| name.split('/').next() == Some(layer);
    model.weights().unwrap().into_iter().filter(of_layer).map(half).collect()
}

/// The model with these weights.
fn with(model: &Model, weights: &[(String, Tensor)]) -> Model {
    let mut model = model.clone();
    model.set_weights(weights.iter().cloned()).unwrap();
    model
}

#[test]
fn other_batch_sizes_build_no_pipelines() {
    let (engine, model) = (engine(), digits());
    let session = Session::compile(&Backend::Gpu(engine.clone()), model.program(64).unwrap()).unwrap();
    let built = engine.pipeline_count();
    assert!(built > 0);
    for batch in [128, 96] {
        let other = session.with_batch(batch, &Memory::default()).unwrap();
        let x = numbers(&[batch, 28, 28, 1]);
        let expected =
            Session::compile(&Backend::Gpu(engine.clone()), model.program(batch).unwrap()).unwrap();
        assert_eq!(other.run(&x).unwrap(), expected.run(&x).unwrap());
        assert_eq!(other.explain(), expected.explain());
    }
    assert_eq!(engine.pipeline_count(), built);
}

#[test]
fn other_batch_sizes_on_every_backend() {
    // Its images are resized: how many is an input of an operation.
    let model = keras::load(data("tests/data/keras/layers/image.keras"), None).unwrap();
    let x = numbers(&[3, 12, 10, 3]);
    for backend in backends() {
        let session = Session::compile(&backend, model.program(1).unwrap()).unwrap();
        let three = session.with_batch(3, &Memory::default()).unwrap();
        assert_eq!((three.input().unwrap().shape[0], three.output().unwrap().shape[0]), (3, 3));
        let expected = Session::compile(&backend, model.program(3).unwrap()).unwrap().run(&x).unwrap();
        assert_eq!(three.run(&x).unwrap(), expected, "{}", backend.name());
        let none = three.with_batch(0, &Memory::default()).unwrap();
        assert_eq!(none.output().unwrap().shape, [0, 4]);
        let error = none.with_batch(2, &Memory::default()).unwrap_err();
        assert!(matches!(error, Error::Parameter { .. }), "{error}");
        assert!(session.with_batch(usize::MAX, &Memory::default()).is_err());
    }
}

#[test]
fn weights_are_set_without_compiling() {
    let before = digits();
    let half = halved(&before, "conv2");
    let (after, both) = (with(&before, &half), with(&with(&before, &half), &halved(&before, "conv1")));
    let x = numbers(&[64, 28, 28, 1]);
    for backend in backends() {
        let run =
            |model: &Model| Session::compile(&backend, model.program(64).unwrap()).unwrap().run(&x).unwrap();
        let (old, new) = (run(&before), run(&after));
        assert_ne!(old, new);
        let mut session = Session::compile(&backend, before.program(64).unwrap()).unwrap();
        assert_eq!(session.run(&x).unwrap(), old);
        let expected = run(&both);
        let built = if let Backend::Gpu(engine) = &backend { engine.pipeline_count() } else { 0 };
        session.set_weights(half.iter().cloned()).unwrap();
        assert_eq!(session.run(&x).unwrap(), new, "{}", backend.name());
        // One by one, in any order; what was set before stays.
        for weight in halved(&before, "conv1").into_iter().rev() {
            session.set_weights([weight]).unwrap();
        }
        assert_eq!(session.run(&x).unwrap(), expected, "{}", backend.name());
        if let Backend::Gpu(engine) = &backend {
            assert_eq!(engine.pipeline_count(), built);
        }
    }
}

/// What a session gives when the app records and submits it.
fn encoded(engine: &Engine, session: &Session, x: &Tensor) -> Tensor {
    pollster::block_on(engine.write(session.input_buffer().unwrap(), 0, x)).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    session.encode(&mut encoder).unwrap();
    finished(engine, session, encoder, session.output_buffer().unwrap())
}

/// Submits what is recorded, and reads a session's output from a buffer.
fn finished(
    engine: &Engine,
    session: &Session,
    mut encoder: wgpu::CommandEncoder,
    output: &wgpu::Buffer,
) -> Tensor {
    let readback = Readback::new(engine, session.output().unwrap(), 1).unwrap();
    let size = session.output().unwrap().buffer_size();
    let recorded = readback.record(&mut encoder, output.slice(..size)).unwrap();
    recorded.submitted(engine.queue().submit([encoder.finish()])).wait().unwrap()
}

#[test]
fn sessions_that_share_weights_take_those_that_are_set() {
    let (engine, before) = (engine(), digits());
    let half = halved(&before, "conv2");
    let after = with(&before, &half);
    let backend = Backend::Gpu(engine.clone());
    let mut session = Session::compile(&backend, before.program(64).unwrap()).unwrap();
    let mut shared = session.with_batch(96, &Memory::default()).unwrap();
    let x = numbers(&[96, 28, 28, 1]);
    let new = Session::compile(&backend, after.program(96).unwrap()).unwrap().run(&x).unwrap();
    assert_ne!(shared.run(&x).unwrap(), new);
    session.set_weights(half).unwrap();
    // First recorded by the app, with the weights' order; then prepacked by a run.
    assert_eq!(encoded(&engine, &shared, &x), new);
    assert_eq!(shared.run(&x).unwrap(), new);
    assert_eq!(encoded(&engine, &shared, &x), new);
    // What one of them sets, the other does not set back.
    let both = with(&after, &halved(&before, "conv1"));
    shared.set_weights(halved(&before, "conv1")).unwrap();
    let new = Session::compile(&backend, both.program(64).unwrap()).unwrap();
    let x = numbers(&[64, 28, 28, 1]);
    assert_eq!(session.run(&x).unwrap(), new.run(&x).unwrap());
}

fn says(error: Error, parts: &[&str]) {
    let error = error.to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

/// A normalisation that adds nothing, and a convolution with padding that takes it in.
fn scaled() -> Model {
    let of = |values: &[f32]| Tensor::from_f32(&[values.len()], values.to_vec()).unwrap().into();
    let norm = BatchNorm {
        gamma: None,
        beta: Some(of(&[0.0])),
        mean: of(&[0.0]),
        variance: of(&[3.0]),
        epsilon: 1.0,
        momentum: 0.99,
        layout: wgpool::Layout::Nchw,
    };
    let spec = wgpool::Conv::new().padding(wgpool::Padding::symmetric([1, 1]));
    let kernel = numbers(&[1, 1, 3, 3]).into();
    Model::new("scaled", [1, 4, 4])
        .layer("norm", LayerKind::BatchNorm(norm))
        .layer("conv", LayerKind::Conv { spec, kernel, bias: None })
}

#[test]
fn weights_that_do_not_fit_are_refused_and_change_nothing() {
    let model = digits();
    let x = numbers(&[2, 28, 28, 1]);
    let kernel = model.weights().unwrap().swap_remove(0);
    assert_eq!(kernel.0, "conv1/kernel");
    for backend in backends() {
        let mut session = Session::compile(&backend, model.program(2).unwrap()).unwrap();
        let old = session.run(&x).unwrap();
        let mut refuse = |name: &str, weight: Tensor, parts: &[&str]| {
            let other = Tensor::zeros(kernel.1.shape(), DType::F32).unwrap();
            let weights = [("conv1/kernel", other), (name, weight)];
            says(session.set_weights(weights).unwrap_err(), parts);
            assert_eq!(session.run(&x).unwrap(), old, "{}", backend.name());
        };
        refuse("conv9/kernel", numbers(&[1]), &["layer conv9", "there are conv1, "]);
        refuse("conv2/gamma", numbers(&[1]), &["layer conv2", "\"gamma\"", "kernel, bias"]);
        refuse("conv2", numbers(&[1]), &["layer conv2", "kernel, bias"]);
        refuse("conv2/kernel", numbers(&[3, 3, 1, 5]), &["layer conv2", "kernel", "[3, 3, 1, 5]", "[3, 3, "]);
        refuse("conv1/bias", Tensor::zeros(&[1], DType::F32).unwrap(), &["bias", "[1]"]);

        let mut session = Session::compile(&backend, scaled().program(2).unwrap()).unwrap();
        let x = numbers(&[2, 1, 4, 4]);
        let old = session.run(&x).unwrap();
        let shift = Tensor::from_f32(&[1], vec![1.0]).unwrap();
        says(session.set_weights([("norm/beta", shift)]).unwrap_err(), &["norm+conv", "other operations"]);
        assert_eq!(session.run(&x).unwrap(), old);
    }
}

#[test]
fn weights_in_16_bit_floats_are_set_too() {
    let model = digits();
    let half = halved(&model, "conv2");
    let x = Data::nearest(DType::F16, (0..784).map(|i| f64::from(i % 17) / 16.0)).unwrap();
    let x = Tensor::new(&[1, 28, 28, 1], x).unwrap();
    let f16 = |model: &Model| model.program(1).unwrap().in_f16().unwrap();
    let mut session = Session::compile(&Backend::Host, f16(&model)).unwrap();
    session.set_weights(half.clone()).unwrap();
    let expected = Session::compile(&Backend::Host, f16(&with(&model, &half))).unwrap();
    assert_eq!(session.run(&x).unwrap(), expected.run(&x).unwrap());
}

#[test]
fn weights_of_layers_are_those_of_keras() {
    let mut model = keras::load(data("tests/data/keras/layers/line.keras"), None).unwrap();
    // As Keras stores depthwise kernels: [taps, channels, multiplier].
    let weights = model.weights().unwrap();
    let of_layer = weights.iter().filter(|(name, _)| name.starts_with("separable/"));
    let shapes: Vec<(&str, &[usize])> = of_layer.map(|(name, w)| (name.as_str(), w.shape())).collect();
    let [depthwise, pointwise, bias] = shapes[..] else { panic!("{shapes:?}") };
    assert_eq!(depthwise, ("separable/depthwise_kernel", &[3, 3, 1][..]));
    assert_eq!(pointwise, ("separable/pointwise_kernel", &[1, 3, 4][..]));
    assert_eq!(bias, ("separable/bias", &[4][..]));
    let before = model.clone();
    let mut refuse = |name: &str, weight: Tensor, parts: &[&str]| {
        says(model.set_weights([(name, weight)]).unwrap_err(), parts);
        assert_eq!(model, before);
    };
    refuse("separated/bias", numbers(&[4]), &["separated", "there are adapted, padded, separable"]);
    let parts = ["separable", "depthwise_kernel, pointwise_kernel, bias"];
    refuse("separable/kernel", numbers(&[4]), &parts);
    refuse(
        "separable/pointwise_kernel",
        numbers(&[1, 4, 3]),
        &["pointwise_kernel", "[1, 4, 3]", "[1, 3, 4]"],
    );
    let half = Tensor::zeros(&[1, 3, 4], DType::F16).unwrap();
    refuse("separable/pointwise_kernel", half, &["pointwise_kernel", "f16", "f32"]);
    let norm = BatchNorm {
        gamma: None,
        beta: None,
        mean: Weight::Shape(vec![3]),
        variance: Weight::Shape(vec![3]),
        epsilon: 1e-3,
        momentum: 0.99,
        layout: wgpool::Layout::Nhwc,
    };
    let open = Model::new("open", [3]).layer("norm", LayerKind::BatchNorm(norm));
    says(open.weights().unwrap_err(), &["norm", "moving_mean", "without weights"]);
}

#[test]
fn one_pass_holds_the_model_and_what_reads_it() {
    let (engine, model) = (engine(), digits());
    let session = Session::compile(&Backend::Gpu(engine.clone()), model.program(2).unwrap()).unwrap();
    let x = numbers(&[2, 28, 28, 1]);
    let op = Op::from(Activation::Relu);
    let plan = engine.plan(&op, &[session.output().unwrap().clone()]).unwrap();
    let result = engine.tensor_buffer("test", session.output().unwrap().buffer_size()).unwrap();
    let relu = engine.prepare(&plan).unwrap();
    let relu = relu.bind(&[session.output_buffer().unwrap().slice(..)], &[result.slice(..)]).unwrap();
    pollster::block_on(engine.write(session.input_buffer().unwrap(), 0, &x)).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    let mut pass = encoder.begin_compute_pass(&Default::default());
    session.encode_in_pass(&mut pass).unwrap();
    relu.encode(&mut pass);
    drop(pass);
    assert_eq!(finished(&engine, &session, encoder, &result), session.run(&x).unwrap());

    let host = Session::compile(&Backend::Host, model.program(2).unwrap()).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    let mut pass = encoder.begin_compute_pass(&Default::default());
    assert!(matches!(host.encode_in_pass(&mut pass), Err(Error::NoDevice { .. })));
}

/// How far each step may be from the definition, computed from what the step before gave.
fn check_f16(program: &Program, backend: &Backend, x: &Tensor) -> Tensor {
    let mut x = x.clone();
    for step in &program.steps {
        let input = x.reshaped(&step.input_descs()[0].shape).unwrap();
        let inputs: Vec<&Tensor> = std::iter::once(&input).chain(step.weights().map(Arc::as_ref)).collect();
        let exact = step.exact(&inputs).unwrap();
        let got = step.run(backend, &inputs).unwrap();
        assert_eq!(reference::compare(&exact[0], &got[0]).unwrap(), None, "{}", step.name);
        x = got.into_iter().next().unwrap();
    }
    x.reshaped(&program.output().unwrap().shape).unwrap()
}

#[test]
fn models_in_16_bit_floats() {
    // A classifier that ends with a softmax.
    let model = digits();
    assert!(model.layers.last().unwrap().softmax.is_some());
    let program = model.program(4).unwrap().in_f16().unwrap();
    assert!(program.steps.iter().all(|step| step.weights().all(|w| w.dtype() == DType::F16)));
    assert_eq!((program.input().unwrap().dtype, program.output().unwrap().dtype), (DType::F16, DType::F16));
    let x = numbers(&[4, 28, 28, 1]);
    let narrow: Vec<f16> = x.as_f32().unwrap().iter().map(|&v| f16::from_f32(v)).collect();
    let narrow = Tensor::new(&[4, 28, 28, 1], narrow).unwrap();
    let (engine, mut backends) = (engine(), vec![Backend::Host]);
    if engine.caps().f16 {
        backends.push(Backend::Gpu(engine.clone()));
    }
    // Planned for a device that has them, and an error for one that has not.
    for f16 in [true, false] {
        let mut caps = engine.caps().clone();
        caps.f16 = f16;
        for step in &program.steps {
            let plan = Plan::of(step.problem().unwrap().clone(), &caps);
            assert_eq!(
                plan.as_ref().err().map(|e| e.to_string().contains("SHADER_F16")),
                (!f16).then_some(true)
            );
        }
    }
    let wide = Session::compile(&Backend::Host, model.program(4).unwrap()).unwrap().run(&x).unwrap();
    for backend in backends {
        let expected = check_f16(&program, &backend, &narrow);
        let session = Session::compile(&backend, program.clone()).unwrap();
        let got = session.run(&narrow).unwrap();
        assert_eq!(got, expected, "{}", backend.name());
        let halves = got.as_f16().unwrap().iter().map(|x| x.to_f32());
        let worst = halves.zip(wide.as_f32().unwrap()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 0.01, "{}: probabilities differ by {worst}", backend.name());
    }

    let mut large = model.clone();
    let (name, kernel) = large.weights().unwrap().swap_remove(0);
    let kernel = Tensor::from_f32(kernel.shape(), vec![1e6; kernel.data().len()]).unwrap();
    large.set_weights([(name, kernel)]).unwrap();
    let error = large.program(1).unwrap().in_f16().unwrap_err().to_string();
    assert!(error.contains("conv1") && error.contains("1e6") && error.contains("65504"), "{error}");
}

/// Layers of every kind, resizing among them, whose regions keep their 32 bits.
#[test]
fn layers_in_16_bit_floats() {
    for name in ["image", "line", "volume"] {
        let model = keras::load(data(&format!("tests/data/keras/layers/{name}.keras")), None).unwrap();
        let program = model.program(1).unwrap().in_f16().unwrap().with_batch(2).unwrap();
        let x = numbers(&program.input().unwrap().shape);
        let x = Tensor::new(
            x.shape(),
            Data::nearest(DType::F16, (0..x.data().len()).map(|i| x.data().get(i).unwrap())).unwrap(),
        )
        .unwrap();
        for backend in
            [Backend::Host, Backend::Gpu(engine())].into_iter().take(1 + usize::from(engine().caps().f16))
        {
            let expected = check_f16(&program, &backend, &x);
            assert_eq!(
                Session::compile(&backend, program.clone()).unwrap().run(&x).unwrap(),
                expected,
                "{name}"
            );
        }
    }
}
