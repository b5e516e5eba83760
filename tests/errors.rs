//! Every variant of the error comes back from some call; the list of variants is that of `src/error.rs`. What files hold is
//! safe to print.

use std::borrow::Cow;
use std::collections::BTreeSet;

use wgpool::engine::Readback;
use wgpool::frame::{FramePlan, FrameToTensor, OverlayPlan, TensorToFrame};
use wgpool::plan::Kernels;
use wgpool::text::escaped;
use wgpool::{
    Activation, Backend, Caps, Choice, Conv, ConvInteger, DType, Data, Engine, Error, Layout, MaxUnpool, Op,
    Plan, Pool, Softmax, Tensor, TensorDesc, host,
};
use wgpool_net::{LayerKind, Model, Session, keras};
use wgpool_testing::support::engine;

fn refused(op: impl Into<Op>, inputs: &[TensorDesc], caps: &Caps) -> Error {
    Plan::new(&op.into(), inputs, caps).unwrap_err()
}

fn of_plans() -> Vec<Error> {
    let f32 = |shape: &[usize]| TensorDesc::f32(shape);
    let typed = |dtype| [TensorDesc { shape: vec![1], dtype }];
    let x = [f32(&[1, 1, 4, 4])];
    let caps = Caps::default();
    let mut small = Caps::default();
    small.max_binding = 32;
    let mut forced = Caps::default();
    forced.kernels = Kernels::named("conv/gemm").unwrap();
    let window = refused(Pool::max([5, 5]), &x, &caps);
    assert!(matches!(window, Error::Window { window: 5, padded: 4, .. }), "{window:?}");
    let limit = refused(Pool::max([1, 1]), &x, &small);
    assert!(matches!(limit, Error::Limit { allowed: 32, .. }), "{limit:?}");
    vec![
        window,
        limit,
        refused(Pool::max([2]), &x, &forced),
        refused(Pool::max([2]).stride([0]), &x, &caps),
        refused(Pool::max([2]), &[f32(&[4])], &caps),
        refused(Conv::new(), &[x[0].clone(), f32(&[1, 2, 1, 1])], &caps),
        refused(Softmax::last_axis(), &[], &caps),
        refused(Activation::Relu, &typed(DType::I32), &caps),
        refused(Activation::Relu, &[f32(&[usize::MAX, 2])], &caps),
        refused(Pool::max([1]), &[TensorDesc { shape: vec![1, 1, 1], dtype: DType::F16 }], &caps),
    ]
}

fn of_models() -> Vec<Error> {
    let x = Tensor::from_f32(&[1, 1, 1], vec![1.0]).unwrap();
    let place = Tensor::new(&[1, 1, 1], Data::I32(vec![7])).unwrap();
    let value = host::run(&Op::from(MaxUnpool::new([2])), &[&x, &place]).unwrap_err();
    assert!(matches!(value, Error::Value { at: 0, .. }), "{value:?}");
    let unknown = br#"{"class_name": "Sequential", "config": {"name": "m", "layers": [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": [null, 4]}},
        {"class_name": "Unheard", "config": {"name": "l"}}]}}"#;
    let pool = |window| Model::new("m", [1, 4]).layer("pool", LayerKind::Pool(Pool::max([window])));
    let session = Session::compile(&Backend::Host, pool(1).program(1).unwrap()).unwrap();
    let mut encoder = engine().device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    vec![
        value,
        keras::architecture(unknown).unwrap_err(),
        keras::architecture(b"").unwrap_err(),
        keras::load("there is no such file", None).unwrap_err(),
        pool(5).program(1).unwrap_err(),
        session.encode(&mut encoder).unwrap_err(),
    ]
}

fn of_devices() -> Vec<Error> {
    let softmax = Op::from(Softmax::last_axis());
    let x = Tensor::from_f32(&[4], vec![0.0; 4]).unwrap();
    let plan = engine().plan(&softmax, &[x.desc()]).unwrap();
    let small = engine().storage("test", 4).unwrap();
    let prepared = engine().prepare(&plan).unwrap();

    let ring = Readback::new(engine(), &x.desc(), 1).unwrap();
    let buffer = engine().upload("test", &x).unwrap();
    let mut encoder = engine().device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let _in_flight = ring.record(&mut encoder, buffer.slice(..)).unwrap();

    let two = Readback::new(engine(), &x.desc(), 1).unwrap();
    let unsubmitted =
        &mut engine().device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let dropped = two.record(unsubmitted, buffer.slice(..)).unwrap();

    let broken = engine().with_edited_shaders(|_, text| text + "no WGSL");
    let gone = own(&wgpu::Instance::new(from_env())).expect("a device beside that of the tests");
    gone.device().destroy();
    vec![
        Backend::open(&Choice::Named("no adapter is called this".into())).unwrap_err(),
        prepared.bind(&[small.slice(..)], &[small.slice(..)]).unwrap_err(),
        ring.record(&mut encoder, buffer.slice(..)).unwrap_err(),
        dropped.submitted(engine().queue().submit([])).wait().unwrap_err(),
        broken.run(&softmax, &[&x]).unwrap_err(),
        gone.run(&softmax, &[&x]).unwrap_err(),
    ]
}

fn from_env() -> wgpu::InstanceDescriptor {
    wgpu::InstanceDescriptor::new_without_display_handle_from_env()
}

/// An engine on a device of its own, of the adapter that the tests run on.
fn own(instance: &wgpu::Instance) -> Option<Engine> {
    let wanted = engine().device().adapter_info();
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let is_it = |info: wgpu::AdapterInfo| info.name == wanted.name && info.backend == wanted.backend;
    let adapter = adapters.into_iter().find(|adapter| is_it(adapter.get_info()))?;
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).ok()?;
    Some(Engine::from_device(&device, &queue))
}

#[test]
fn every_call_that_needs_a_lost_device_says_so() {
    let engine = own(&wgpu::Instance::new(from_env())).expect("a device beside that of the tests");
    let backend = Backend::Gpu(engine.clone());
    let x = Tensor::from_f32(&[1, 1, 4, 4], vec![1.0; 16]).unwrap();
    let op = Op::from(Pool::max([2, 2]));
    let plan = engine.plan(&op, &[x.desc()]).unwrap();
    let output = &plan.problem.outputs[0];
    let program = || {
        let pool = LayerKind::Pool(Pool::max([2, 2]).layout(Layout::Nhwc));
        Model::new("m", [4, 4, 1]).layer("pool", pool).program(1).unwrap()
    };
    let frame = FrameToTensor::from_buffer(4, 4, 3).size(4, 4);
    let frame = FramePlan::new(&frame, engine.caps()).unwrap();
    let overlay = TensorToFrame::channel(TensorDesc::f32([1, 1, 4, 4]), 0);
    let overlay = OverlayPlan::new(&overlay, engine.caps()).unwrap();

    // Everything is there already, pipelines too.
    let prepared = engine.prepare(&plan).unwrap();
    let (from, to) = (engine.upload("test", &x).unwrap(), engine.storage("test", 16).unwrap());
    let bytes = engine.storage("test", frame.frame().buffer_size()).unwrap();
    let pixels = engine.storage("test", frame.output().buffer_size()).unwrap();
    let (framed, _) = (engine.prepare_frame(&frame).unwrap(), engine.prepare_overlay(&overlay).unwrap());
    let conv = Op::from(ConvInteger { conv: Conv::new(), requantize: None });
    let byte = |shape: &[usize]| Tensor::new(shape, Data::U8(vec![1])).unwrap();
    let ones = [byte(&[1, 1, 1]), byte(&[1, 1, 1]), byte(&[1]), byte(&[1])];
    let conv = engine.plan(&conv, &ones.each_ref().map(|t| t.desc())).unwrap();
    let inputs = ones.each_ref().map(|t| engine.upload("test", t).unwrap());
    let sum = engine.storage("test", 4).unwrap();
    let conv = engine.prepare(&conv).unwrap();
    let packing = conv.bind(&inputs.each_ref().map(|b| b.slice(..)), &[sum.slice(..)]).unwrap();
    assert!(packing.prepacks_weights());
    let session = Session::compile(&backend, program()).unwrap();
    let input = Tensor::from_f32(&[1, 4, 4, 1], vec![1.0; 16]).unwrap();
    session.run(&input).unwrap();
    let ring = Readback::new(&engine, output, 3).unwrap();
    let pending = [(); 3].map(|()| {
        let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let recorded = ring.record(&mut encoder, to.slice(..)).unwrap();
        recorded.submitted(engine.queue().submit([encoder.finish()]))
    });

    engine.device().destroy();
    let [wait, read, mut ask] = pending;
    let asked = loop {
        match ask.try_read() {
            Ok(None) => std::thread::yield_now(),
            answer => break answer.map(drop),
        }
    };
    let calls: [(&str, Result<(), Error>); 22] = [
        ("wait", wait.wait().map(drop)),
        ("read", pollster::block_on(read.read()).map(drop)),
        ("try_read", asked),
        ("prepare", engine.prepare(&plan).map(drop)),
        ("prepare_all", engine.prepare_all(std::slice::from_ref(&plan)).map(drop)),
        (
            "prepare_all_async",
            pollster::block_on(engine.prepare_all_async(std::slice::from_ref(&plan))).map(drop),
        ),
        ("staging_async", pollster::block_on(engine.staging_async("test", &x)).map(drop)),
        ("prepare_frame", engine.prepare_frame(&frame).map(drop)),
        ("prepare_overlay", engine.prepare_overlay(&overlay).map(drop)),
        ("bind", prepared.bind(&[from.slice(..)], &[to.slice(..)]).map(drop)),
        ("bind_buffer", framed.bind_buffer(bytes.slice(..), pixels.slice(..)).map(drop)),
        ("prepack", packing.prepack(&engine).map(drop)),
        ("upload", engine.upload("test", &x).map(drop)),
        ("storage", engine.storage("test", 16).map(drop)),
        ("tensor_buffer", engine.tensor_buffer("test", 16).map(drop)),
        ("Readback::new", Readback::new(&engine, output, 1).map(drop)),
        ("run", engine.run(&op, &[&x]).map(drop)),
        ("run_async", pollster::block_on(engine.run_async(&op, &[&x])).map(drop)),
        ("run of another", engine.run(&Op::from(Softmax::last_axis()), &[&x]).map(drop)),
        ("Session::compile", Session::compile(&backend, program()).map(drop)),
        ("Session::run", session.run(&input).map(drop)),
        ("Session::run_async", pollster::block_on(session.run_async(&input)).map(drop)),
    ];
    let wrong: Vec<_> = calls
        .into_iter()
        .filter(|(_, answer)| !matches!(innermost(answer), Err(Error::DeviceLost { .. })))
        .map(|(name, answer)| format!("{name}: {answer:?}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The error of an operation, where a layer's name stands around it.
fn innermost(answer: &Result<(), Error>) -> Result<(), &Error> {
    match answer {
        Ok(()) => Ok(()),
        Err(Error::InLayer { source, .. }) => Err(source),
        Err(error) => Err(error),
    }
}

/// Where the system gives no threads, which Linux does not with stacks larger than any address space, the host path says so.
#[cfg(target_os = "linux")]
#[test]
fn threads_that_cannot_be_started_are_an_error() {
    const CHILD: &str = "WGPOOL_TEST_CHILD";
    let pool = || host::run(&Op::from(Pool::max([1])), &[&Tensor::from_f32(&[1, 1, 1], vec![1.0]).unwrap()]);
    if std::env::var_os(CHILD).is_some() {
        let error = pool().unwrap_err();
        assert!(matches!(error, Error::NoThreads { .. }), "{error}");
        assert_eq!(Backend::Host.name(), "host path (0 threads)");
        // A device needs none.
        let x = Tensor::from_f32(&[1, 1, 4], vec![1.0; 4]).unwrap();
        let plan = engine().plan(&Op::from(Pool::max([2])), &[x.desc()]).unwrap();
        engine().prepare_all(&[plan]).unwrap();
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "threads_that_cannot_be_started_are_an_error", "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .env("RUST_MIN_STACK", (1u64 << 48).to_string())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && out.contains("1 passed"), "{out}{err}");
    pool().unwrap();
}

/// A device that runs out of memory, where wgpu can be told how much of it there is: at the right share a device
/// opens, but its largest buffer is refused. OpenGL cannot be told, and would fill its largest buffer a hundred times.
fn of_memory() -> Option<Error> {
    if engine().device().adapter_info().backend == wgpu::Backend::Gl {
        return None;
    }
    (0..=100).find_map(|percent| {
        let mut descriptor = from_env();
        descriptor.memory_budget_thresholds.for_resource_creation = Some(percent);
        let engine = own(&wgpu::Instance::new(descriptor))?;
        engine.storage("test", engine.caps().max_buffer & !3).err()
    })
}

/// The names of the variants.
fn variants() -> BTreeSet<&'static str> {
    let text = include_str!("../src/error.rs");
    let body = text.split("pub enum Error {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let names = body.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"));
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase())).collect()
}

#[test]
fn every_variant_is_reached() {
    let all = variants();
    assert!(all.len() > 20 && all.contains("OutOfMemory"), "{all:?}");
    let mut errors = [of_plans(), of_models(), of_devices()].into_iter().flatten().collect::<Vec<_>>();
    match of_memory() {
        Some(error) => errors.push(error),
        // wgpu asks for the budget through an extension of Vulkan and through DX12.
        None => println!("no memory budget: running out of memory is tested in src/engine/scope.rs alone"),
    }
    let mut missing = all;
    for error in &errors {
        let debug = format!("{error:?}");
        let name = debug.split([' ', '{']).next().unwrap_or_default();
        println!("{name}: {error}");
        missing.remove(name);
    }
    // Files of networks, which `wgpool-net` reads, training, and what operators of an app's own come to: in its own tests.
    assert!(missing.remove("Network"));
    assert!(missing.remove("NotFinite"));
    assert!(missing.remove("Operator"));
    // A process of its own reaches it, in the test of threads.
    assert!(missing.remove("NoThreads"));
    assert!(missing.is_empty() || missing == BTreeSet::from(["OutOfMemory"]), "not reached: {missing:?}");
}

#[test]
fn what_steers_a_terminal_is_written_out() {
    let controls = (0..0x20).chain(0x7f..0xa0).chain(0x2028..0x202f).chain(0x2066..0x2070);
    for code in controls.chain([0x61c, 0x200e, 0x200f]) {
        let text = format!("a{}b", char::from_u32(code).expect("a character"));
        let safe = escaped(&text);
        assert!(safe.starts_with("a\\") && safe.ends_with('b') && safe.len() >= 4, "{code:x}: {safe}");
        assert_eq!(escaped(&safe), safe, "once is enough");
        if code >= 0x20 {
            let json: String = serde_json::from_str(&format!("\"{safe}\"")).expect("JSON");
            assert_eq!(json, text);
        }
    }
}

#[test]
fn what_people_write_stays() {
    for text in ["", "conv2d_1", "C:\\new\\table", "Füße", "卷积层", "שכבה", "👩‍💻", "a b", "·░▒▓█┃"]
    {
        assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text), "{text}");
    }
}
