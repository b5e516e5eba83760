//! Keras models, layer by layer against what Keras computed.
//!
//! No tolerance here is chosen: each layer's allowed error is the reference's own bound for a 32-bit evaluation,
//! carried through the layers behind it.

use wgpool_testing::support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use wgpool::spec::{BinaryFunction, ElementStep, Elementwise, Operand};
use wgpool::{
    Activation, AsStrided, Backend, ConvTranspose, DType, Data, Op, Pool, Problem, Tensor, TensorDesc,
    reference,
};
use wgpool_net::{Model, Origin, Program, Session, Source, Step, keras};

/// Where every check of this file runs.
fn backends() -> Vec<Backend> {
    vec![Backend::Gpu(support::engine().clone()), Backend::Host, Backend::Reference]
}

/// The models and what Keras' summaries say of their parameters.
const MODELS: [(&str, u64, &str); 7] = [
    ("a_dense_conv_pool_20", 68_770, " Total params: 68,770 (268.63 KB)"),
    ("b_conv3_nopool_224", 477_341, " Total params: 477,341 (1.82 MB)"),
    ("c_conv3_pool3_224", 8_861, " Total params: 8,861 (34.61 KB)"),
    ("d_datacamp_pool_28", 1_868, " Total params: 1,868 (7.30 KB)"),
    ("d_datacamp_nopool_28", 26_663, " Total params: 26,663 (104.15 KB)"),
    ("d_datacamp_nopool_same_28", 36_023, " Total params: 36,023 (140.71 KB)"),
    ("e_conv_pool_32", 1_792, " Total params: 1,792 (7.00 KB)"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(model: &str) -> PathBuf {
    root().join("tests/data/keras").join(model)
}

fn load(model: &str) -> Model {
    keras::load(folder(model), None).unwrap()
}

fn tensors(path: PathBuf) -> BTreeMap<String, Tensor> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |name: &str| {
        let view = file.tensor(name).unwrap();
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::I32 => DType::I32,
            Dtype::U8 => DType::U8,
            other => panic!("{name} is {other:?}"),
        };
        Tensor::new(view.shape(), Data::from_bytes(dtype, view.data()).unwrap()).unwrap()
    };
    file.names().into_iter().map(|name| (name.to_owned(), tensor(name))).collect()
}

/// What Keras computed for a layer: all of it, or a sample of its elements.
struct Stored<'a> {
    whole: Option<&'a Tensor>,
    shape: Vec<usize>,
    positions: Vec<usize>,
    values: Vec<f64>,
}

impl<'a> Stored<'a> {
    fn of(all: &'a BTreeMap<String, Tensor>, layer: &str) -> Stored<'a> {
        if let Some(whole) = all.get(layer) {
            let (shape, values) = (whole.shape().to_vec(), to_f64(whole));
            return Stored { whole: Some(whole), shape, positions: (0..values.len()).collect(), values };
        }
        let integers = |part: &str| -> Vec<usize> {
            to_f64(&all[&format!("{layer}.{part}")]).into_iter().map(|x| x as usize).collect()
        };
        let values = to_f64(&all[&format!("{layer}.values")]);
        Stored { whole: None, shape: integers("shape"), positions: integers("positions"), values }
    }
}

fn to_f64(tensor: &Tensor) -> Vec<f64> {
    (0..tensor.data().len()).map(|i| tensor.data().get(i).unwrap()).collect()
}

/// Values, and how far a correct 32-bit evaluation of the same layers may be from each.
#[derive(Clone)]
struct Expected {
    shape: Vec<usize>,
    values: Vec<f64>,
    error: Vec<f64>,
}

impl Expected {
    fn exactly(tensor: &Tensor) -> Expected {
        let values = to_f64(tensor);
        Expected { shape: tensor.shape().to_vec(), error: vec![0.0; values.len()], values }
    }

    fn check(&self, what: &str, shape: &[usize], at: impl Iterator<Item = usize>, values: &[f64]) {
        assert_eq!(shape, self.shape, "{what}");
        for (at, value) in at.zip(values) {
            let (expected, error) = (self.values[at], self.error[at]);
            assert!(
                (value - expected).abs() <= error,
                "{what}: [{at}] is {value:e}, expected {expected:e} within {error:e}"
            );
        }
    }

    fn check_tensor(&self, what: &str, tensor: &Tensor) {
        let values = to_f64(tensor);
        self.check(what, tensor.shape(), 0..values.len(), &values);
    }

    /// Behind the steps of a program with one input and output.
    fn through(self, program: &Program) -> Expected {
        Expected::of_all(program, &[self]).remove(0)
    }

    /// All outputs of a program.
    fn of_all(program: &Program, inputs: &[Expected]) -> Vec<Expected> {
        let mut made: Vec<Expected> = vec![];
        let find = |made: &[Expected], source: &Source| match source {
            Source::Input(at) => Some(inputs[*at].clone()),
            Source::Step { step, .. } => Some(made[*step].clone()),
            Source::Weight(_) => None,
        };
        for step in &program.steps {
            let read: Vec<_> = step.inputs.iter().map(|source| find(&made, source)).collect();
            made.push(Expected::step(step, read));
        }
        let outputs = program.results.iter().zip(&program.outputs);
        let output = |(source, port): (&Source, &wgpool_net::Port)| Expected {
            shape: port.desc.shape.clone(),
            ..find(&made, source).unwrap()
        };
        outputs.map(output).collect()
    }

    /// What a step makes of those of its inputs that are no weights.
    fn step(step: &Step, read: Vec<Option<Expected>>) -> Expected {
        let (mut tensors, mut errors) = (vec![], vec![]);
        for ((read, source), desc) in read.into_iter().zip(&step.inputs).zip(step.input_descs()) {
            let Some(read) = read else {
                let Source::Weight(weight) = source else { panic!("{source:?}") };
                // The numbers of a formula are computed of a layer's weights and rounded, by Keras in 32 bits all the way. A
                // convolution's bound holds as much.
                let rounding = if matches!(step.op(), Some(Op::Elementwise(_))) {
                    4.0 * f64::from(f32::EPSILON)
                } else {
                    0.0
                };
                errors.push(to_f64(weight).into_iter().map(|w| w.abs() * rounding).collect());
                tensors.push(Tensor::clone(weight));
                continue;
            };
            // The reference reads 32-bit numbers; rounding the values to them adds to the error.
            let rounded: Vec<f32> = read.values.iter().map(|&v| v as f32).collect();
            errors.push(
                (read.error.iter().zip(&read.values).zip(&rounded))
                    .map(|((error, value), &rounded)| error + (value - f64::from(rounded)).abs())
                    .collect(),
            );
            tensors.push(Tensor::from_f32(&desc.shape, rounded).unwrap());
        }
        let inputs: Vec<&Tensor> = tensors.iter().collect();
        let exact = step.exact(&inputs).unwrap().remove(0);
        let carried = carried(step, &inputs, &errors, &exact.values);
        let error = exact.bound.iter().zip(carried).map(|(bound, carried)| bound + carried).collect();
        Expected { shape: exact.desc.shape, values: exact.values, error }
    }
}

/// How far an operation's output can move when each of its inputs moves by at most `errors`.
fn carried(step: &Step, inputs: &[&Tensor], errors: &[Vec<f64>], output: &[f64]) -> Vec<f64> {
    // A little more than the error covers its rounding to 32 bits, and that the bound of the operation itself is
    // taken at these inputs and not at the moved ones.
    let above = |(error, input): (&Vec<f64>, &&Tensor)| {
        let above = error.iter().map(|&e| (e * 1.0001) as f32 + f32::MIN_POSITIVE).collect();
        Tensor::from_f32(input.shape(), above).unwrap()
    };
    let errors: Vec<Tensor> = errors.iter().zip(inputs).map(above).collect();
    let error = &errors[0];
    let run = |op: Op, inputs: &[&Tensor]| to_f64(&reference::run(&op, inputs).unwrap()[0]);
    let magnitude = || {
        let kernel = step.weights().next().unwrap();
        let values = kernel.as_f32().unwrap().iter().map(|w| w.abs()).collect();
        Tensor::from_f32(kernel.shape(), values).unwrap()
    };
    // No input moved: the usual case, and the convolution of zeros is not worth computing.
    if errors.iter().flat_map(to_f64).all(|e| e <= 2.0 * f64::from(f32::MIN_POSITIVE)) {
        return vec![0.0; output.len()];
    }
    match step.op().unwrap() {
        Op::Conv(conv) => {
            let plain = conv.clone().residual(false).activation(Activation::None);
            let mut sums = run(Op::from(plain), &[error, &magnitude()]);
            if let Some(residual) = errors.last().filter(|_| conv.residual) {
                sums.iter_mut().zip(to_f64(residual)).for_each(|(sum, error)| *sum += error);
            }
            times(slope(step), sums)
        }
        Op::ConvTranspose(conv) => {
            let linear = ConvTranspose { activation: Activation::None, ..conv.clone() };
            times(slope(step), run(Op::from(linear), &[error, &magnitude()]))
        }
        Op::Dense(dense) => {
            times(slope(step), run(Op::from(dense.activation(Activation::None)), &[error, &magnitude()]))
        }
        Op::Activation(_) => times(slope(step), to_f64(error)),
        // A maximum moves no farther than the farthest of its window; a mean by their mean, weighted or not; what only moves
        // takes its error with it.
        Op::Pool(_)
        | Op::GlobalPool(_)
        | Op::AdaptivePool(_)
        | Op::Pad(_)
        | Op::AsStrided(_)
        | Op::Resize(_)
        | Op::Concat(_) => run(step.op().unwrap().clone(), &errors.iter().collect::<Vec<_>>()),
        Op::Elementwise(formula) => {
            let shape = &step.output_descs()[0].shape;
            let wide = |tensor: &&Tensor| {
                let op = AsStrided::expand(tensor.shape(), shape).unwrap();
                to_f64(&reference::run(&Op::from(op), &[tensor]).unwrap()[0])
            };
            let values: Vec<Vec<f64>> = inputs.iter().map(wide).collect();
            let errors: Vec<Vec<f64>> = errors.iter().map(|error| wide(&error)).collect();
            let at = |i: usize| {
                let each: Vec<[f64; 2]> = values.iter().zip(&errors).map(|(v, e)| [v[i], e[i]]).collect();
                moved(formula, &each)
            };
            (0..output.len()).map(at).collect()
        }
        // exp(x + d) / sum exp(x + d): numerator and denominator each change by a factor within exp(-d) to exp(d).
        Op::Softmax(_) => {
            let largest = to_f64(error).into_iter().fold(0.0, f64::max);
            output.iter().map(|p| p * (2.0 * largest).exp_m1()).collect()
        }
        other => panic!("no rule for {other:?}"),
    }
}

/// How far a formula moves, of inputs as value and error.
fn moved(formula: &Elementwise, inputs: &[[f64; 2]]) -> f64 {
    use BinaryFunction::{Add, Divide, Maximum, Minimum, Multiply, Subtract};
    let mut steps: Vec<[f64; 2]> = vec![];
    for step in &formula.steps {
        let of = |operand: &Operand| match *operand {
            Operand::Input(at) => inputs[at],
            Operand::Number(number) => [f64::from(number), 0.0],
            Operand::Step(at) => steps[at],
        };
        let next = match step {
            ElementStep::Binary(function, a, b) => {
                let ([a, d], [b, e]) = (of(a), of(b));
                match function {
                    Add => [a + b, d + e],
                    Subtract => [a - b, d + e],
                    Multiply => [a * b, a.abs() * e + b.abs() * d + d * e],
                    Divide if e == 0.0 => [a / b, d / b.abs()],
                    Maximum => [a.max(b), d.max(e)],
                    Minimum => [a.min(b), d.max(e)],
                    other => panic!("no rule for {other:?}"),
                }
            }
            ElementStep::Activation(activation, a) => {
                let [a, d] = of(a);
                let x = Tensor::from_f32(&[1], vec![a as f32]).unwrap();
                let y = reference::run(&Op::from(*activation), &[&x]).unwrap();
                [to_f64(&y[0])[0], slope_of(*activation) * (d + a.abs() * f64::from(f32::EPSILON))]
            }
            other => panic!("no rule for {other:?}"),
        };
        steps.push(next);
    }
    steps[steps.len() - 1][1]
}

fn times(slope: f64, moved: Vec<f64>) -> Vec<f64> {
    moved.into_iter().map(|moved| slope * moved).collect()
}

/// The steepest slope of a step's activation, by which it carries errors farther.
fn slope(step: &Step) -> f64 {
    let last =
        || step.weights().last().map_or(1.0, |w| to_f64(w).into_iter().fold(1.0, |m, a| a.abs().max(m)));
    match step.op().unwrap().activation() {
        Activation::PRelu => last(),
        activation => slope_of(activation),
    }
}

fn slope_of(activation: Activation) -> f64 {
    use Activation::{Elu, Gelu, HardSigmoid, HardSwish, LeakyRelu, None, Relu, Relu6, Sigmoid, Silu, Tanh};
    match activation {
        None | Relu | Relu6 | Sigmoid | Tanh => 1.0,
        LeakyRelu { alpha } | Elu { alpha } => f64::from(alpha.abs().max(1.0)),
        HardSigmoid { alpha, .. } => f64::from(alpha.abs()),
        Gelu => 1.13,
        Silu => 1.1,
        HardSwish => 1.5,
        other => panic!("no slope of {other:?}"),
    }
}

/// One layer of a model by itself.
fn alone(model: &Model, layer: usize, input: &[usize]) -> Program {
    let mut single = Model::new(model.name.clone(), &input[1..]);
    single.layers.push(model.layers[layer].clone());
    let made = single.call(0, &[Origin::Input(0)]);
    single.outputs[0].1 = made;
    single.program(input[0]).unwrap()
}

/// Checks every layer of a model: Keras' own numbers against the reference, then each backend's.
fn check_model(name: &str, model: &Model, stored: &BTreeMap<String, Tensor>) {
    let input = &stored["input"];

    // From the input on, and from what Keras computed for the layer before.
    let mut chain = Expected::exactly(input);
    let mut before = Some(input);
    let mut chains = vec![];
    for (i, layer) in model.layers.iter().enumerate() {
        let what = format!("{name}: Keras' {}", layer.name);
        let keras = Stored::of(stored, &layer.name);
        chain = chain.through(&alone(model, i, &keras_shape(&chains, input)));
        chain.check(&what, &keras.shape, keras.positions.iter().copied(), &keras.values);
        if let Some(before) = before {
            let exact = Expected::exactly(before).through(&alone(model, i, before.shape()));
            exact.check(&what, &keras.shape, keras.positions.iter().copied(), &keras.values);
        }
        before = keras.whole;
        chains.push(chain.clone());
    }

    for backend in backends() {
        let what = |layer: &str| format!("{name} on {}: {layer}", backend.name());
        let trace = model.trace(&backend, input).unwrap();
        let names: Vec<&str> = trace.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, model.layers.iter().map(|l| l.name.as_str()).collect::<Vec<_>>());
        let mut before = input;
        for (i, (layer, output)) in trace.iter().enumerate() {
            chains[i].check_tensor(&what(layer), output);
            Expected::exactly(before)
                .through(&alone(model, i, before.shape()))
                .check_tensor(&what(layer), output);
            before = output;
        }
        let output =
            Session::compile(&backend, model.program(input.shape()[0]).unwrap()).unwrap().run(input).unwrap();
        chain.check_tensor(&what("the fused session"), &output);
    }
}

fn keras_shape(chains: &[Expected], input: &Tensor) -> Vec<usize> {
    chains.last().map_or(input.shape().to_vec(), |c| c.shape.clone())
}

macro_rules! models {
    ($($name:ident),*) => {$(
        #[test]
        fn $name() {
            let name = stringify!($name);
            check_model(name, &load(name), &tensors(folder(name).join("activations.safetensors")));
        }
    )*};
}
models!(
    a_dense_conv_pool_20,
    b_conv3_nopool_224,
    c_conv3_pool3_224,
    d_datacamp_pool_28,
    d_datacamp_nopool_28,
    d_datacamp_nopool_same_28,
    e_conv_pool_32
);

/// Models of layers that the others do not have, each from an archive: `tests/data/keras/layers/make.py` made them.
#[cfg(feature = "keras-archive")]
mod layers {
    use super::*;

    macro_rules! layers {
        ($($name:ident),*) => {$(
            #[test]
            fn $name() {
                let path = folder("layers").join(stringify!($name));
                let model = keras::load(path.with_extension("keras"), None).unwrap();
                check_model(stringify!($name), &model, &tensors(path.with_extension("safetensors")));
            }
        )*};
    }
    layers!(image, transposed, line, volume, channels_first, flat_first, table, sloped);

    /// What each operation of a model stands for.
    fn steps(model: &str) -> Vec<String> {
        let model = keras::load(folder("layers").join(model).with_extension("keras"), None).unwrap();
        model.program(1).unwrap().steps.into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn layers_join_where_that_is_the_same() {
        let image = ["scaled", "resized", "middle", "padded+conv+clipped", "clipped"];
        assert_eq!(steps("image")[..5], image);
        // Its shift would reach the zeros of the padding.
        assert_eq!(steps("channels_first")[..2], ["given", "padded+conv+norm+leaky"]);
        assert_eq!(steps("sloped"), ["conv+channels", "each", "larger+few", "hidden+units", "scores"]);
        assert_eq!(steps("table"), ["all+inverse+hidden", "number+scores"]);
    }

    #[test]
    fn branches_join_where_nobody_else_reads() {
        let block = ["one_conv1+one_norm1+one_relu1", "one_conv2+one_norm2+one_sum+one_out"];
        assert_eq!(steps("residual")[..2], ["scaled", "padded+stem"]);
        assert_eq!(steps("residual")[2..4], block);
        assert_eq!(steps("residual")[4], "two_conv1+two_norm1+two_relu1");
        // The second convolution's padding is its own; what is squeezed is read by the product too.
        let block =
            ["a_expand+a_norm1+a_relu6", "a_depthwise+a_norm2+a_swish", "a_squeeze", "a_fewer", "a_excite"];
        assert_eq!(steps("mobile")[1..6], block);
        assert!(steps("mobile").contains(&"b_pad+b_depthwise+b_norm2+b_swish".to_owned()));
        // Both read the convolution.
        assert_eq!(steps("first")[..3], ["a", "prelu", "norm"]);
    }

    macro_rules! branches {
        ($($name:ident),*) => {$(
            #[test]
            fn $name() {
                check_branches(stringify!($name));
            }
        )*};
    }
    branches!(residual, mobile, unet, siamese, several, inside, first);

    /// Checks every call of a model with branches: Keras' own numbers against the reference, then each backend's.
    fn check_branches(name: &str) {
        let path = folder("layers").join(name);
        let model = keras::load(path.with_extension("keras"), None).unwrap();
        let stored = tensors(path.with_extension("safetensors"));
        let inputs: Vec<&Tensor> =
            model.inputs.iter().map(|input| &stored[&format!("input.{}", input.name)]).collect();
        let exactly: Vec<Expected> = inputs.iter().map(|input| Expected::exactly(input)).collect();

        // As all are outputs, none are joined but those of one layer.
        let mut all = model.clone();
        all.outputs =
            (0..model.calls.len()).map(|call| (call.to_string(), Origin::Call { call, output: 0 })).collect();
        let expected = Expected::of_all(&all.program(2).unwrap(), &exactly);
        let mut calls = BTreeMap::new();
        let mut names = vec![];
        for (call, expected) in model.calls.iter().zip(&expected) {
            let layer = &model.layers[call.layer].name;
            let number = calls.entry(call.layer).and_modify(|n| *n += 1).or_insert(0);
            names.push(format!("{layer}.{number}"));
            let keras = &stored[&format!("{layer}.{number}")];
            expected.check_tensor(&format!("{name}: Keras' {layer}.{number}"), keras);
        }
        assert_eq!(names.len() + inputs.len(), stored.len());

        let outputs = Expected::of_all(&unjoined(&model), &exactly);
        for backend in backends() {
            let what = |layer: &str| format!("{name} on {}: {layer}", backend.name());
            let trace = model.trace_all(&backend, &inputs).unwrap();
            for (((_, got), expected), name) in trace.iter().zip(&expected).zip(&names) {
                expected.check_tensor(&what(name), got);
            }
            let program = model.program(2).unwrap();
            for program in [
                program.clone(),
                program.optimised().unwrap(),
                model.program(1).unwrap().with_batch(2).unwrap(),
            ] {
                let session = Session::compile(&backend, program).unwrap();
                let got = session.run_all(&inputs).unwrap();
                assert_eq!(got.len(), model.outputs.len());
                for ((got, expected), (output, _)) in got.iter().zip(&outputs).zip(&model.outputs) {
                    expected.check_tensor(&what(output), got);
                }
            }
        }
    }

    /// A model's outputs, with bounds through all of its layers by themselves.
    fn unjoined(model: &Model) -> Program {
        let mut all = model.clone();
        all.outputs
            .extend((0..model.calls.len()).map(|call| (call.to_string(), Origin::Call { call, output: 0 })));
        let mut program = all.program(2).unwrap();
        program.outputs.truncate(model.outputs.len());
        program.results.truncate(model.outputs.len());
        program
    }

    #[test]
    fn summaries_show_what_layers_read() {
        for (name, text) in [
            ("siamese", include_str!("../../../tests/data/keras/layers/siamese.txt")),
            ("several", include_str!("../../../tests/data/keras/layers/several.txt")),
        ] {
            let archive = folder("layers").join(name).with_extension("keras");
            assert_eq!(keras::load_architecture(archive).unwrap().summary().unwrap(), text);
        }
    }

    #[test]
    fn shared_layers_have_their_weights_once() {
        let model = keras::load(folder("layers").join("siamese.keras"), None).unwrap();
        let names: Vec<String> = model.weights().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[..2], ["encoder/conv/kernel", "encoder/conv/bias"]);
        assert_eq!(names.iter().filter(|name| name.starts_with("shared/")).count(), 2);
        let program = model.program(1).unwrap();
        let kernels: Vec<_> = program.steps.iter().filter(|step| step.name == "shared").collect();
        let [first, second, third] = kernels[..] else { panic!("{kernels:?}") };
        for other in [second, third] {
            for (a, b) in first.weights().zip(other.weights()) {
                assert!(std::sync::Arc::ptr_eq(a, b));
            }
        }
    }

    #[test]
    fn weights_of_models_inside_are_set_by_their_path() {
        let model = keras::load(folder("layers").join("inside.keras"), None).unwrap();
        let x = Tensor::from_f32(&[1, 5, 4, 2], (0..40).map(|i| (i as f32).sin()).collect()).unwrap();
        let kernel = Tensor::from_f32(&[1, 1, 2, 2], vec![0.5, -0.25, 1.0, 0.125]).unwrap();
        let mut changed = model.clone();
        changed.set_weights([("base/deep/conv/kernel", kernel.clone())]).unwrap();
        for backend in backends() {
            let mut session = Session::compile(&backend, model.program(1).unwrap()).unwrap();
            let before = session.run(&x).unwrap();
            session.set_weights([("base/deep/conv/kernel", kernel.clone())]).unwrap();
            let after = Session::compile(&backend, changed.program(1).unwrap()).unwrap().run(&x).unwrap();
            assert_ne!(before, after);
            assert_eq!(session.run(&x).unwrap(), after);
        }
        let error = changed.set_weights([("base/deep/conf/kernel", kernel)]).unwrap_err().to_string();
        assert!(
            error.contains("base/deep/conf") && error.contains("base/deep/conv, base/wide, base/sum"),
            "{error}"
        );
    }
}

#[test]
fn a_wrong_weight_is_noticed() {
    let name = "d_datacamp_pool_28";
    let stored = tensors(folder(name).join("activations.safetensors"));
    let mut model = load(name);
    let wgpool_net::LayerKind::Conv { bias: Some(bias), .. } = &mut model.layers[0].kind else { panic!() };
    let mut values = bias.tensor().unwrap().as_f32().unwrap().to_vec();
    values[0] += 1e-5;
    *bias = Tensor::from_f32(&[values.len()], values).unwrap().into();
    let exact = Expected::exactly(&stored["input"]).through(&alone(&model, 0, stored["input"].shape()));
    let keras = &stored["conv1"];
    let noticed = std::panic::catch_unwind(|| exact.check_tensor("conv1", keras));
    assert!(noticed.is_err(), "an error of 1e-5 went through");
}

#[test]
fn summaries_are_those_of_keras() {
    for (name, total, line) in MODELS {
        let model = load(name);
        assert_eq!(model.parameters().total(), total, "{name}");
        let summary = model.summary().unwrap();
        assert!(summary.lines().any(|l| l == line), "{summary}");
        let architecture = keras::load_architecture(folder(name)).unwrap();
        assert_eq!(architecture.summary().unwrap(), summary, "{name} without its weights");
        assert!(architecture.program(1).unwrap_err().to_string().contains("read without weights"));
    }
    let summary = load("d_datacamp_pool_28").summary().unwrap();
    assert_eq!(summary, include_str!("../../../tests/data/keras/d_datacamp_pool_28/summary.txt"));
}

#[test]
fn mnist_digits_are_read_as_keras_reads_them() {
    let folder = root().join("data/mnist");
    let model = keras::load(&folder, None).unwrap();
    assert_eq!(model.parameters().total(), 12_810);
    let digits = tensors(folder.join("test_digits.safetensors"));
    let (probabilities, labels) = (digits["probabilities"].as_f32().unwrap(), to_f64(&digits["labels"]));
    let pixels: Vec<f32> = to_f64(&digits["images"]).into_iter().map(|p| p as f32 / 255.0).collect();
    let mut known = BTreeMap::new();
    for backend in backends() {
        // The reference is slow: a part of the digits is enough for it.
        let count = if matches!(backend, Backend::Reference) { 100 } else { 1000 };
        let input = Tensor::from_f32(&[count, 28, 28, 1], pixels[..count * 784].to_vec()).unwrap();
        let program = model.program(count).unwrap();
        let output = Session::compile(&backend, program.clone()).unwrap().run(&input).unwrap();
        let expected = known.entry(count).or_insert_with(|| Expected::exactly(&input).through(&program));
        expected.check_tensor(&backend.name(), &output);
        let keras = Tensor::from_f32(&[count, 10], probabilities[..count * 10].to_vec()).unwrap();
        expected.check_tensor("Keras", &keras);
        let digit = |row: &[f32]| (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        let ours: Vec<usize> = output.as_f32().unwrap().chunks(10).map(digit).collect();
        let keras: Vec<usize> = keras.as_f32().unwrap().chunks(10).map(digit).collect();
        assert_eq!(ours, keras, "{}", backend.name());
        if count == 1000 {
            let right = ours.iter().zip(&labels).filter(|&(&d, &l)| d as f64 == l).count();
            assert_eq!(right, 986, "{}", backend.name());
        }
    }
}

#[test]
fn max_pooling_of_the_seven_is_exact() {
    let json = std::fs::read(root().join("data/seven.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let plane = |key: &str, n: usize| {
        let rows = json[key].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        Tensor::from_f32(&[1, 1, n, n], rows.map(|v| v.as_f64().unwrap() as f32).collect()).unwrap()
    };
    let (input, pooled) = (plane("input_26x26", 26), plane("max_pool_2x2_stride_2_13x13", 13));
    for backend in backends() {
        let output = backend.run(&Pool::max([2, 2]).into(), &[&input]).unwrap();
        assert_eq!(output, std::slice::from_ref(&pooled), "{}", backend.name());
    }
    let problem = Problem::new(&Pool::max([2, 2]).into(), &[TensorDesc::f32([1, 1, 26, 26])]).unwrap();
    assert_eq!(problem.outputs[0].shape, pooled.shape());
}

#[cfg(feature = "keras-archive")]
#[test]
fn archives_hold_the_same_models() {
    for name in ["a_dense_conv_pool_20", "c_conv3_pool3_224", "d_datacamp_pool_28", "e_conv_pool_32"] {
        assert_eq!(keras::load(folder(name).join("model.keras"), None).unwrap(), load(name), "{name}");
    }
    let folder = root().join("data/mnist");
    let archive = folder.join("mnist_cnn.keras");
    assert_eq!(keras::load(&archive, None).unwrap(), keras::load(&folder, None).unwrap());
    let weights = folder.join("weights.safetensors");
    assert_eq!(keras::load(&archive, Some(&weights)).unwrap(), keras::load(&folder, None).unwrap());
    assert_eq!(keras::load_architecture(&archive).unwrap().parameters().total(), 12_810);
}
