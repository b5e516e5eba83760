//! An app's own operators in the middle of convolutions: known answers on every backend, and every error.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use wgpool::error::{Error, Refusal};
use wgpool::reference::Exact;
use wgpool::{Backend, DType, Engine, Tensor, TensorDesc, wgpu};
use wgpool_net::custom::{Attribute, Failure, Gpu, Input, Node, Operator, Tolerance, Wgsl};
use wgpool_net::onnx::{Model, Options};
use wgpool_net::{Clock, Memory, Program, Session};
use wgpool_testing::support;

use super::message::{Message, node, value};

const DOMAIN: &str = "com.example";

/// `scale * x + shift[channel]`, and where a node names a second output, `x - shift[channel]`.
#[derive(Clone, Debug, Default)]
struct Affine {
    wrong: Wrong,
}

/// What the operator does wrongly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Wrong {
    #[default]
    Nothing,
    NoGpu,
    Refuses,
    FewOutputs,
    HugeOutput,
    HostFails,
    HostCount,
    HostShape,
    ReferenceShape,
    GpuFails,
    NoShader,
    NoEntryPoint,
    OtherBindings,
    ManyWorkgroups,
    OtherNumbers,
    LeavesOut,
    AsksForShift,
    Recorded,
    RecordedFails,
    RecordedInvalid,
}

/// The app's own error.
#[derive(Debug, PartialEq)]
struct Odd(usize);

impl std::fmt::Display for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is odd", self.0)
    }
}

impl std::error::Error for Odd {}

const SHADER: &str = "
    struct Block { plane: u32, scale: f32 }
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read> shift: array<f32>;
    @group(0) @binding(2) var<storage, read_write> y: array<f32>;
    @group(0) @binding(3) var<uniform> block: Block;
    @compute @workgroup_size(64)
    fn affine(@builtin(global_invocation_id) id: vec3<u32>) {
        let i = id.x;
        if (i >= arrayLength(&y)) { return; }
        y[i] = block.scale * x[i] + shift[(i / block.plane) % arrayLength(&shift)];
    }";

impl Affine {
    fn scale(node: &Node) -> Result<f32, Failure> {
        node.float_or("scale", 1.0)
    }
}

impl Operator for Affine {
    fn outputs(&self, node: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure> {
        let [x, shift] = inputs else { return Err(Box::new(Odd(inputs.len()))) };
        if self.wrong == Wrong::AsksForShift {
            assert_eq!(shift.known().map(|known| known.desc()), Some(shift.desc().clone()));
        }
        let mut outputs = vec![x.desc().clone(); node.outputs];
        match self.wrong {
            Wrong::Refuses => return Err(Box::new(Odd(7))),
            Wrong::FewOutputs => drop(outputs.pop()),
            Wrong::HugeOutput => outputs[0].shape = vec![1 << 40],
            _ => {}
        }
        Ok(outputs)
    }

    fn host(&self, node: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure> {
        let scale = Self::scale(node)?;
        let (x, shift) = (inputs[0].as_f32()?, inputs[1].as_f32()?);
        let shape = inputs[0].shape();
        let plane: usize = shape[2..].iter().product();
        let of = |scale: f32, sign: f32| {
            let y = x.iter().enumerate().map(|(i, x)| scale * x + sign * shift[i / plane % shift.len()]);
            Tensor::from_f32(shape, y.collect())
        };
        Ok(match self.wrong {
            Wrong::HostFails => return Err("no luck".into()),
            Wrong::HostCount => vec![],
            Wrong::HostShape => vec![of(scale, 1.0)?.reshaped(&[x.len()])?],
            _ if node.outputs == 2 => vec![of(scale, 1.0)?, of(1.0, -1.0)?],
            _ => vec![of(scale, 1.0)?],
        })
    }

    fn tolerance(&self) -> Tolerance {
        Tolerance { absolute: 1e-6, relative: 1e-6 }
    }

    fn reference(&self, _: &Node, inputs: &[&Tensor]) -> Result<Option<Vec<Exact>>, Failure> {
        if self.wrong == Wrong::ReferenceShape {
            return Ok(Some(vec![Exact::new(TensorDesc::f32([1]), vec![0.0], vec![0.0])?]));
        }
        assert!(Exact::new(inputs[0].desc(), vec![0.0], vec![]).is_err());
        Ok(None)
    }

    fn gpu(
        &self,
        node: &Node,
        inputs: &[TensorDesc],
        outputs: &[TensorDesc],
    ) -> Result<Option<Gpu>, Failure> {
        let plane: usize = inputs[0].shape[2..].iter().product();
        let block = [(plane as u32).to_le_bytes(), Self::scale(node)?.to_le_bytes()].concat();
        let shader = |text: String| {
            Wgsl::new(text)
                .entry_point("affine")
                .uniform(block.clone())
                .invocations(outputs[0].elements(), 64)
        };
        let right = || shader(SHADER.to_owned());
        let edited = |from: &str, to: &str| {
            assert!(SHADER.contains(from));
            shader(SHADER.replace(from, to))
        };
        Ok(Some(match self.wrong {
            Wrong::NoGpu => return Ok(None),
            Wrong::GpuFails => return Err(Box::new(Odd(9))),
            Wrong::NoShader => edited("let i", "lot i").into(),
            Wrong::NoEntryPoint => right().entry_point("another").into(),
            Wrong::OtherBindings => edited("var<storage, read> x", "var<storage, read_write> x").into(),
            Wrong::ManyWorkgroups => right().workgroups([1, 1 << 20, 1]).into(),
            Wrong::OtherNumbers => edited("block.scale * x[i] +", "block.scale * x[i] -").into(),
            Wrong::LeavesOut => edited("i >= arrayLength(&y)", "i + 1u >= arrayLength(&y)").into(),
            Wrong::RecordedFails => {
                Gpu::recorded(|_| Err::<fn(&mut wgpu::ComputePass<'_>), _>("no pipeline today".into()))
            }
            Wrong::RecordedInvalid => Gpu::recorded(|buffers| {
                let _ = buffers.engine.device().create_buffer(&wgpu::BufferDescriptor {
                    label: None,
                    size: 4,
                    usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE,
                    mapped_at_creation: false,
                });
                Ok(|_: &mut wgpu::ComputePass<'_>| {})
            }),
            Wrong::Recorded => recorded(Self::scale(node)?, plane as u32),
            _ => right().into(),
        }))
    }
}

/// A pipeline of the app's own, whose numbers are constants of it.
fn recorded(scale: f32, plane: u32) -> Gpu {
    Gpu::recorded(move |buffers| {
        let text = SHADER
            .replace("@group(0) @binding(3) var<uniform> block: Block;", "")
            .replace("block.scale", &format!("f32({scale:?})"))
            .replace("block.plane", &format!("{plane}u"));
        let device = buffers.engine.device();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let bound = buffers.inputs.iter().chain(&buffers.outputs).cloned();
        let entries: Vec<_> = (0..)
            .zip(bound)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(buffer),
            })
            .collect();
        let layout = &pipeline.get_bind_group_layout(0);
        let group =
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
        Ok(move |pass: &mut wgpu::ComputePass<'_>| {
            pass.set_pipeline(&pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(4, 1, 1);
        })
    })
}

fn floats(name: &str, shape: &[i64], numbers: &[f32]) -> Message {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Message::new().ints(1, shape).int(2, 1).bytes(8, name).bytes(9, bytes)
}

fn float(name: &str, number: f32) -> Message {
    Message::new().bytes(1, name).float(2, number).int(20, 1)
}

/// A model that imports the app's operators too.
fn model(graph: Message) -> Vec<u8> {
    let own = Message::new().bytes(1, DOMAIN).int(2, 3);
    Message::new().int(1, 8).with(8, Message::new().int(2, 17)).with(8, own).with(7, graph).0
}

fn custom(inputs: &[&str], outputs: &[&str]) -> Message {
    node("Affine", inputs, outputs).bytes(7, DOMAIN).bytes(3, "mine").with(5, float("scale", 3.0))
}

/// Convolution by 2 and -1, `3 * x + [10, 20]`, ReLU, convolution that adds the channels.
fn graph() -> Message {
    Message::new()
        .with(1, node("Conv", &["x", "k"], &["a"]))
        .with(1, custom(&["a", "shift"], &["b"]))
        .with(1, node("Relu", &["b"], &["c"]))
        .with(1, node("Conv", &["c", "l"], &["y"]))
        .with(5, floats("k", &[2, 1, 1, 1], &[2.0, -1.0]))
        .with(5, floats("shift", &[2], &[10.0, 20.0]))
        .with(5, floats("l", &[1, 2, 1, 1], &[1.0, 1.0]))
        .with(11, value("x"))
        .with(12, value("y"))
}

fn options(wrong: Wrong) -> Options {
    Options::default().shape("x", [1, 1, 2, 3]).operator(DOMAIN, "Affine", Affine { wrong })
}

fn program(wrong: Wrong) -> Program {
    let file = model(graph());
    Model::parse(&file).unwrap().program(&options(wrong)).unwrap()
}

const X: [f32; 6] = [1.0, 2.0, -3.0, 0.0, 8.0, -9.0];

/// By hand: `relu(6 x + 10) + relu(20 - 3 x)`.
const Y: [f32; 6] = [16.0 + 17.0, 22.0 + 14.0, 0.0 + 29.0, 10.0 + 20.0, 58.0, 0.0 + 47.0];

fn x() -> Tensor {
    Tensor::from_f32(&[1, 1, 2, 3], X.to_vec()).unwrap()
}

fn backends() -> Vec<Backend> {
    let engine = support::engine();
    vec![
        Backend::Gpu(engine.clone()),
        Backend::Gpu(engine.with_gpu_kernels()),
        Backend::Host,
        Backend::Reference,
    ]
}

/// A buffer of NaN.
fn poisoned(engine: &Engine, size: u64) -> wgpu::Buffer {
    let buffer = pollster::block_on(engine.tensor_buffer_async("test", size)).unwrap();
    engine.queue().write_buffer(&buffer, 0, &vec![0xff; buffer.size() as usize]);
    buffer
}

#[test]
fn a_custom_operator_between_convolutions_has_the_known_answer() {
    for backend in backends() {
        for wrong in [Wrong::Nothing, Wrong::Recorded] {
            for program in [program(wrong), program(wrong).optimised().unwrap()] {
                assert_eq!(program.run(&backend, &x()).unwrap().as_f32().unwrap(), Y, "{}", backend.name());
                let session = Session::compile(&backend, program).unwrap();
                for _ in 0..2 {
                    assert_eq!(session.run(&x()).unwrap().as_f32().unwrap(), Y, "{}", backend.name());
                }
            }
        }
    }
}

#[test]
fn nothing_is_joined_with_it_and_what_is_between_shares_memory() {
    let program = program(Wrong::Nothing).optimised().unwrap();
    let names: Vec<&str> = program.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["a", "mine", "c", "y"]);
    let mine = &program.steps[1];
    assert_eq!((mine.op(), mine.problem(), mine.kind()), (None, None, "com.example.Affine".to_owned()));
    assert_eq!(mine.output_descs(), [TensorDesc::f32([1, 2, 2, 3])]);
    assert_eq!(Session::scratch_sizes_of(&program).len(), 2);

    let engine = support::engine();
    let scratch: Vec<_> =
        Session::scratch_sizes_of(&program).iter().map(|&size| poisoned(engine, size)).collect();
    let (input, output) = (poisoned(engine, 24), poisoned(engine, 24));
    let memory = Memory {
        inputs: vec![input.slice(..)],
        outputs: vec![output.slice(..)],
        scratch: scratch.iter().map(|buffer| buffer.slice(..)).collect(),
    };
    let session = Session::compile_in(engine, program, &memory).unwrap();
    assert_eq!(session.run(&x()).unwrap().as_f32().unwrap(), Y);
}

#[test]
fn several_runs_are_in_flight() {
    let engine = support::engine();
    let session = Session::compile(&Backend::Gpu(engine.clone()), program(Wrong::Nothing)).unwrap();
    let inputs: Vec<Tensor> = (0..4)
        .map(|run| Tensor::from_f32(&[1, 1, 2, 3], X.map(|x| x + run as f32).to_vec()).unwrap())
        .collect();
    let mut runs: Vec<_> = inputs.iter().map(|input| Box::pin(session.run_async(input))).collect();
    let mut context = Context::from_waker(Waker::noop());
    let mut done: Vec<Option<Tensor>> = runs
        .iter_mut()
        .map(|run| match run.as_mut().poll(&mut context) {
            Poll::Ready(result) => Some(result.unwrap()),
            Poll::Pending => None,
        })
        .collect();
    for (at, run) in runs.into_iter().enumerate() {
        let result = done[at].take().unwrap_or_else(|| pollster::block_on(run).unwrap());
        let expected = X.map(|x| {
            let x = x + at as f32;
            (6.0 * x + 10.0).max(0.0) + (20.0 - 3.0 * x).max(0.0)
        });
        assert_eq!(result.as_f32().unwrap(), expected, "run {at}");
    }
}

#[test]
fn batches_and_weights_of_its_sessions() {
    for backend in backends() {
        let mut session = Session::compile(&backend, program(Wrong::Nothing)).unwrap();
        let two = session.with_batch(2, &Memory::default()).unwrap();
        let both = Tensor::from_f32(&[2, 1, 2, 3], [X, X].concat()).unwrap();
        assert_eq!(two.run(&both).unwrap().as_f32().unwrap(), [Y, Y].concat(), "{}", backend.name());
        let shift = Tensor::from_f32(&[2], vec![0.0, 0.0]).unwrap();
        session.set_weights([("shift", shift.clone())]).unwrap();
        let expected = X.map(|x| (6.0 * x).max(0.0) + (-3.0 * x).max(0.0));
        assert_eq!(session.run(&x()).unwrap().as_f32().unwrap(), expected, "{}", backend.name());
        // What its shape function asked for is part of the program.
        let mut session = Session::compile(&backend, program(Wrong::AsksForShift)).unwrap();
        let error = session.set_weights([("shift", shift)]).unwrap_err().to_string();
        assert!(error.contains("shift") && error.contains("computed with"), "{error}");
    }
}

/// The error of the app's operator, in the model and node.
fn operator(error: Error) -> (String, &'static str, Failure) {
    let text = error.to_string();
    let Error::InLayer { layer, source, .. } = error else { panic!("{text}") };
    assert_eq!(layer, "mine", "{text}");
    let Error::Operator { operator, during, source } = *source else { panic!("{text}") };
    assert!(text.contains(&operator) && text.contains(&source.to_string()), "{text}");
    (operator, during, source)
}

#[test]
fn what_the_app_returns_wrongly_is_an_error_that_names_it() {
    let file = model(graph());
    let import = |wrong| Model::parse(&file).unwrap().program(&options(wrong));
    let (name, during, source) = operator(import(Wrong::Refuses).unwrap_err());
    assert_eq!((name.as_str(), during), ("com.example.Affine", "its shape function"));
    assert_eq!(source.downcast_ref::<Odd>(), Some(&Odd(7)));
    let (.., source) = operator(import(Wrong::FewOutputs).unwrap_err());
    assert!(source.to_string().contains("0 outputs, but the node has 1"), "{source}");
    let error = import(Wrong::HugeOutput).unwrap_err().to_string();
    assert!(error.contains("mine") && error.contains("bytes"), "{error}");

    for (wrong, parts) in [
        (Wrong::HostFails, ["no luck", ""]),
        (Wrong::HostCount, ["0 outputs", "says 1"]),
        (Wrong::HostShape, ["output 0 is f32 [12]", "says f32 [1, 2, 2, 3]"]),
    ] {
        for backend in [Backend::Host, Backend::Reference] {
            let session = Session::compile(&backend, program(wrong)).unwrap();
            for error in [session.run(&x()).unwrap_err(), program(wrong).run(&backend, &x()).unwrap_err()] {
                let (_, during, source) = operator(error);
                let text = source.to_string();
                assert!(
                    during == "its host function" && parts.iter().all(|part| text.contains(part)),
                    "{text}"
                );
            }
        }
    }
    let (_, during, source) =
        operator(program(Wrong::ReferenceShape).run(&Backend::Reference, &x()).unwrap_err());
    assert!(during == "its reference" && source.to_string().contains("f32 [1]"), "{source}");
    let error = program(Wrong::Nothing).steps[1].run(&Backend::Host, &[&x()]).unwrap_err();
    assert!(matches!(error, Error::Arity { got: 1, .. }), "{error}");
    let error = program(Wrong::Nothing).steps[1].run(&Backend::Host, &[&x(), &x()]).unwrap_err();
    assert!(matches!(error, Error::Shape { .. }), "{error}");
}

#[test]
fn what_does_not_run_on_a_gpu_is_refused_when_it_is_compiled() {
    let engine = support::engine();
    let backend = Backend::Gpu(engine.clone());
    let compile = |wrong| Session::compile(&backend, program(wrong)).unwrap_err();
    let (name, during, source) = operator(compile(Wrong::NoGpu));
    assert_eq!((name.as_str(), during), ("com.example.Affine", "its GPU form"));
    assert!(source.to_string().contains("host path"), "{source}");
    operator(program(Wrong::NoGpu).explain(&backend).unwrap_err());
    // The host path computes it.
    assert_eq!(program(Wrong::NoGpu).run(&Backend::Host, &x()).unwrap().as_f32().unwrap(), Y);

    assert_eq!(operator(compile(Wrong::GpuFails)).2.downcast_ref::<Odd>(), Some(&Odd(9)));
    assert!(operator(compile(Wrong::RecordedFails)).2.to_string().contains("no pipeline today"));
    for (wrong, part) in [
        (Wrong::NoShader, "lot"),
        (Wrong::NoEntryPoint, "another"),
        (Wrong::OtherBindings, "binding"),
        (Wrong::RecordedInvalid, "MAP_"),
    ] {
        let error = compile(wrong);
        let text = error.to_string();
        let Error::InLayer { layer, source, .. } = error else { panic!("{text}") };
        assert!(layer == "mine" && matches!(*source, Error::Gpu { .. }), "{text}");
        assert!(text.contains("com.example.Affine") && text.contains(part), "{text}");
    }
    let error = compile(Wrong::ManyWorkgroups);
    let Error::InLayer { source, .. } = error else { panic!("{error}") };
    let limit = "max_compute_workgroups_per_dimension";
    assert!(matches!(*source, Error::Limit { limit: of, needed: 0x10_0000, .. } if of == limit), "{source}");
}

#[test]
fn wrong_shaders_are_noticed_by_check() {
    for engine in [support::engine(), &support::engine().with_gpu_kernels()] {
        let backend = Backend::Gpu(engine.clone());
        for program in [program(Wrong::Nothing), program(Wrong::Recorded)] {
            assert_eq!(program.check(&[&x()], |step, inputs| step.run(&backend, inputs)).unwrap(), None);
        }
        for (wrong, count) in [(Wrong::OtherNumbers, 12), (Wrong::LeavesOut, 1)] {
            let program = program(wrong);
            let found = program.check(&[&x()], |step, inputs| step.run(&backend, inputs)).unwrap();
            let found = found.expect("a wrong operator");
            assert_eq!((found.step.name.as_str(), found.mismatch.count), ("mine", count));
            assert!(found.to_string().contains("com.example.Affine"), "{found}");
        }
    }
}

#[test]
fn explanations_and_profiles_name_it() {
    for backend in backends() {
        let session = Session::compile(&backend, program(Wrong::Nothing)).unwrap();
        let (explanation, is_gpu) = (session.explain(), matches!(backend, Backend::Gpu(_)));
        let mine = &explanation.layers[1];
        assert_eq!((mine.name.as_str(), mine.explanation.op.as_ref()), ("mine", "com.example.Affine"));
        assert_eq!(mine.explanation.steps[0].name(), if is_gpu { "app/wgsl" } else { "CPU" });
        assert_eq!(mine.explanation.bytes_by_direction(), [4 * 14, 4 * 12]);
        assert!(explanation.to_string().contains("an operator of the app"), "{explanation}");
        let profile = session.profile(&[&x()], 2).unwrap();
        assert_eq!(profile.steps[1].samples.len(), 2);
        assert_eq!(profile.clock == Clock::Host, !is_gpu);
    }
}

/// `-x` in the place of an operator that wgpool has.
struct Negative;

impl Operator for Negative {
    fn outputs(&self, _: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure> {
        Ok(vec![inputs[0].desc().clone()])
    }

    fn host(&self, _: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure> {
        let y = inputs[0].as_f32()?.iter().map(|x| -x).collect();
        Ok(vec![Tensor::from_f32(inputs[0].shape(), y)?])
    }
}

#[test]
fn an_operator_of_the_app_goes_before_wgpools_own() {
    let file = super::message::model(
        Message::new()
            .with(1, node("Relu", &["x"], &["y"]).with(5, float("own", 1.0)))
            .with(11, value("x"))
            .with(12, value("y")),
    );
    let model = Model::parse(&file).unwrap();
    let options = Options::default().shape("x", [2]);
    assert!(model.program(&options).is_err(), "Relu has no such attribute");
    let x = Tensor::from_f32(&[2], vec![1.0, -2.0]).unwrap();
    for domain in ["", "ai.onnx"] {
        let program = model.program(&options.clone().operator(domain, "Relu", Negative)).unwrap();
        assert_eq!(program.run(&Backend::Host, &x).unwrap().as_f32().unwrap(), [-1.0, 2.0]);
        assert!(program.with_batch(3).is_ok());
    }
    // An operator that nobody has is named still.
    let file = super::custom::model(graph());
    let error = Model::parse(&file).unwrap().program(&options.operator("", "Relu", Negative)).unwrap_err();
    assert!(matches!(error, Error::Network { refusal: Refusal::Unsupported, .. }), "{error}");
    assert!(error.to_string().contains("\"Affine\" of \"com.example\""), "{error}");
}

/// Takes any inputs, and tells what it is told.
struct Listener;

impl Operator for Listener {
    fn outputs(&self, node: &Node, inputs: &[Input<'_>]) -> Result<Vec<TensorDesc>, Failure> {
        assert_eq!(
            (node.given.as_slice(), node.outputs, node.version),
            (&[true, false, true][..], 2, Some(3))
        );
        assert_eq!(inputs.len(), 2);
        assert_eq!(inputs[1].desc(), &TensorDesc { shape: vec![2], dtype: DType::I32 });
        assert_eq!(inputs[1].known().map(|known| known.data().get(1)), Some(Some(5.0)));
        assert!(inputs[0].known().is_none());
        assert_eq!((node.int("i")?, node.int_or("none", 4)?), (Some(-3), 4));
        assert_eq!((node.float("f")?, node.text("s")?), (Some(0.5), Some("words")));
        assert_eq!(node.ints("is")?, Some(&[1, -2][..]));
        assert_eq!(node.floats("fs")?, Some(&[1.5][..]));
        assert_eq!(node.texts("ss")?, Some(vec!["a", "b"]));
        assert_eq!(node.tensor("t")?.map(|t| t.desc()), Some(TensorDesc::f32([1])));
        assert!(matches!(node.attributes.get("blob"), Some(Attribute::Text(bytes)) if bytes == &[0xff, 0]));
        for error in [node.int("f").unwrap_err(), node.float("i").unwrap_err(), node.ints("s").unwrap_err()] {
            assert!(error.to_string().contains("but must be"), "{error}");
        }
        assert!(node.text("blob").unwrap_err().to_string().contains("UTF-8"));
        Ok(vec![TensorDesc { shape: vec![2], dtype: DType::I32 }, inputs[0].desc().clone()])
    }

    fn host(&self, _: &Node, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Failure> {
        Ok(vec![inputs[1].clone(), inputs[0].clone()])
    }
}

fn attribute(name: &str, ty: i64, fill: impl FnOnce(Message) -> Message) -> Message {
    fill(Message::new().bytes(1, name)).int(20, ty)
}

fn listening(attributes: impl IntoIterator<Item = Message>, declared: i64) -> Vec<u8> {
    let heard = attributes
        .into_iter()
        .fold(node("Listener", &["x", "", "n"], &["i", "y"]).bytes(7, DOMAIN), |node, attribute| {
            node.with(5, attribute)
        });
    let numbers: Vec<u8> = [4i64, 5].iter().flat_map(|n| n.to_le_bytes()).collect();
    let ty = Message::new().with(1, Message::new().int(1, declared));
    model(
        Message::new()
            .with(1, heard)
            .with(1, node("Relu", &["y"], &["z"]))
            .with(5, Message::new().ints(1, &[2]).int(2, 7).bytes(8, "n").bytes(9, numbers))
            .with(11, value("x"))
            .with(12, Message::new().bytes(1, "i").with(2, ty))
            .with(12, value("z")),
    )
}

#[test]
fn attributes_inputs_that_are_left_out_and_known_numbers_reach_the_app() {
    let all = || {
        vec![
            attribute("i", 2, |m| m.int(3, -3)),
            attribute("f", 1, |m| m.float(2, 0.5)),
            attribute("s", 3, |m| m.bytes(4, "words")),
            attribute("is", 7, |m| m.ints(8, &[1, -2])),
            attribute("fs", 6, |m| m.float(7, 1.5)),
            attribute("ss", 8, |m| m.bytes(9, "a").bytes(9, "b")),
            attribute("t", 4, |m| m.with(5, floats("", &[1], &[2.0]))),
            attribute("blob", 3, |m| m.bytes(4, [0xff, 0])),
        ]
    };
    let options = Options::default().shape("x", [2]).operator(DOMAIN, "Listener", Listener);
    let file = listening(all(), 7);
    let program = Model::parse(&file).unwrap().program(&options).unwrap();
    let x = Tensor::from_f32(&[2], vec![-1.0, 2.0]).unwrap();
    let outputs = program.run_all(&Backend::Host, &[&x]).unwrap();
    assert_eq!((outputs[0].data().get(1), outputs[1].as_f32().unwrap()), (Some(5.0), &[0.0, 2.0][..]));

    // Another type than the file declares, and attributes that no app gets.
    let file = listening(all(), 1);
    let error = Model::parse(&file).unwrap().program(&options).unwrap_err();
    assert!(matches!(error, Error::Network { refusal: Refusal::Type, .. }), "{error}");
    assert!(error.to_string().contains("\"i\" is declared float, but it makes i32"), "{error}");
    for odd in [
        attribute("g", 5, |m| m.with(6, Message::new().bytes(2, "inner"))),
        attribute("d", 4, |m| m.with(5, Message::new().ints(1, &[1]).int(2, 11).bytes(9, [0; 8]))),
        Message::new().bytes(1, "r").bytes(21, "outer").int(20, 2),
    ] {
        let file = listening([odd], 7);
        let error = Model::parse(&file).unwrap().program(&options).unwrap_err();
        assert!(matches!(error, Error::Network { refusal: Refusal::Unsupported, .. }), "{error}");
        assert!(error.to_string().contains("attribute"), "{error}");
    }
}

#[test]
fn futures_of_its_sessions_may_go_to_other_threads() {
    fn is_send<T: Send>(of: T) -> T {
        of
    }
    let backend = Backend::Gpu(support::engine().clone());
    let session =
        pollster::block_on(is_send(Session::compile_async(&backend, program(Wrong::Recorded)))).unwrap();
    fn is_sync<T: Send + Sync>(_: &T) {}
    is_sync(&session);
    let run = pin!(session.run_all_async(&[]));
    assert!(matches!(pollster::block_on(run), Err(Error::Arity { .. })));
}
