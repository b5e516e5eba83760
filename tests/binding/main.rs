//! Buffers that an app hands over: what is refused, and what a binding does when it is recorded again.

mod divided;
mod scratch;
mod sharing;

use wgpool_testing::support;

use wgpool::{
    Activation, Conv, ConvInteger, Data, Engine, Error, FractionalMaxPool, GlobalPool, IndexNumbering,
    Layout, MaxUnpool, Op, Padding, Plan, Pool, Softmax, Tensor, TensorDesc,
};
use wgpool_testing::support::engine;
use wgpool_testing::verify::random::{Family, Rng};
use wgpu::BufferUsages;

fn buffer(engine: &Engine, size: u64, usage: BufferUsages) -> wgpu::Buffer {
    engine.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage,
        mapped_at_creation: false,
    })
}

/// The first adapter that computes, of an instance that no other test uses.
fn own_adapter() -> (wgpu::Instance, wgpu::Adapter) {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
        .into_iter()
        .find(|a| a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS))
        .expect("an adapter");
    (instance, adapter)
}

/// Records a binding, submits it alone, and reads a buffer of f32.
fn run_and_read(engine: &Engine, binding: &wgpool::Binding, output: &wgpu::Buffer) -> Vec<f32> {
    submit_and_read(engine, |pass| binding.encode(pass), output)
}

/// Records with `record`, submits it alone, and reads a buffer of words.
fn submit_and_read<T: bytemuck::Pod>(
    engine: &Engine,
    record: impl FnOnce(&mut wgpu::ComputePass<'_>),
    output: &wgpu::Buffer,
) -> Vec<T> {
    let device = engine.device();
    let readback = buffer(engine, output.size(), BufferUsages::MAP_READ | BufferUsages::COPY_DST);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    record(&mut pass);
    drop(pass);
    encoder.copy_buffer_to_buffer(output, 0, &readback, 0, output.size());
    engine.queue().submit([encoder.finish()]);
    let (sender, receiver) = std::sync::mpsc::channel();
    readback.slice(..).map_async(wgpu::MapMode::Read, move |answer| sender.send(answer).unwrap());
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    receiver.recv().unwrap().unwrap();
    let bytes = readback.slice(..).get_mapped_range().unwrap();
    bytemuck::cast_slice(&bytes).to_vec()
}

/// For buffers of no other usage than STORAGE.
fn pooling(engine: &Engine) -> Plan {
    let caps = engine.caps().for_buffers(BufferUsages::STORAGE);
    Plan::new(&Pool::max([2, 2]).into(), &[TensorDesc::f32([1, 1, 4, 4])], &caps).unwrap()
}

/// An engine on a device of its own, whose kernels read in pages whatever the adapter is.
fn paged() -> (wgpu::Instance, Engine) {
    let (instance, adapter) = own_adapter();
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    let engine = Engine::from_device(&device, &queue);
    let mut caps = engine.caps().clone();
    (caps.software, caps.paged) = (true, true);
    (instance, engine.with_caps(caps))
}

/// The rule that a refused buffer breaks.
fn rule(result: Result<wgpool::Binding, Error>) -> &'static str {
    match result.unwrap_err() {
        Error::Buffer { rule, .. } => rule,
        other => panic!("{other}"),
    }
}

#[test]
fn buffers_that_break_a_rule_are_refused() {
    let engine = engine();
    let prepared = engine.prepare(&pooling(engine)).unwrap();
    let storage = BufferUsages::STORAGE;
    let [input, output] = [64, 16].map(|size| buffer(engine, size, storage));
    assert!(prepared.bind(&[input.slice(..)], &[output.slice(..)]).is_ok());

    let wrong_usage = buffer(engine, 64, BufferUsages::COPY_DST);
    assert!(rule(prepared.bind(&[wrong_usage.slice(..)], &[output.slice(..)])).contains("STORAGE"));
    let small = buffer(engine, 60, storage);
    assert!(rule(prepared.bind(&[small.slice(..)], &[output.slice(..)])).contains("too small"));
    let large = buffer(engine, 1024, storage);
    assert!(rule(prepared.bind(&[large.slice(4..)], &[output.slice(..)])).contains("alignment"));
    assert!(rule(prepared.bind(&[large.slice(..256)], &[large.slice(512..)])).contains("no other"));
    let none = prepared.bind(&[input.slice(..)], &[]).unwrap_err();
    assert!(matches!(none, Error::Arity { got: 1, .. }), "{none}");
}

#[test]
fn what_was_planned_is_what_runs() {
    let (_instance, engine) = paged();
    let x = Tensor::from_f32(&[1, 10, 26, 26], (0..6760).map(|i| (i * 37 % 101) as f32).collect()).unwrap();
    // Means of dilated windows are not unrolled.
    let op = Op::from(Pool::average([2, 2]).dilation([2]));
    let expected = wgpool::reference::run(&op, &[&x]).unwrap();
    let plan = engine.plan(&op, &[x.desc()]).unwrap();
    assert!(plan.steps.iter().any(|step| !step.pages.is_empty()));
    let prepared = engine.prepare(&plan).unwrap();
    let built = engine.pipeline_count();
    let [size, whole] = [x.desc().buffer_size(), engine.caps().padded(x.desc().buffer_size())];
    let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    let output = buffer(&engine, plan.problem.outputs[0].buffer_size(), usage);

    // Buffers that the plan's kernels cannot read are refused, and nothing is planned or built in their place.
    let refused = |prepared: &wgpool::Prepared, input: wgpu::BufferSlice<'_>| match prepared
        .bind(&[input], &[output.slice(..)])
        .unwrap_err()
    {
        Error::Buffer { tensor, rule, values, .. } => {
            assert_eq!(tensor, "the input");
            assert!(rule.contains("Caps::for_buffers"), "{rule}");
            (rule, values)
        }
        other => panic!("{other}"),
    };
    let plain = buffer(&engine, whole, usage);
    let (rule, values) = refused(&prepared, plain.slice(..));
    assert!(rule.contains("needs the usage UNIFORM") && values.contains("COPY_DST"), "{rule} {values}");
    let short = buffer(&engine, size, usage | BufferUsages::UNIFORM);
    let (rule, values) = refused(&prepared, short.slice(..));
    assert!(rule.contains("whole pages") && values.contains(&size.to_string()), "{rule} {values}");
    let mut caps = engine.caps().clone();
    caps.uniform_alignment = 4096;
    let aligned = engine.with_caps(caps);
    let of_aligned = aligned.prepare(&aligned.plan(&op, &[x.desc()]).unwrap()).unwrap();
    let long = buffer(&engine, 2 * whole, usage | BufferUsages::UNIFORM);
    let (rule, values) = refused(&of_aligned, long.slice(256..));
    assert!(rule.contains("offset") && values.contains("256"), "{rule} {values}");
    assert_eq!(engine.pipeline_count(), built);
    prepared.bind(&[long.slice(..)], &[output.slice(..)]).unwrap();

    // A plan for the buffers that there are fits them.
    let caps = engine.caps().for_buffers(plain.usage());
    let plan = Plan::new(&op, &[x.desc()], &caps).unwrap();
    assert!(plan.steps.iter().all(|step| step.pages.is_empty()));
    let fresh = Engine::from_device(engine.device(), engine.queue());
    let prepared = fresh.prepare(&plan).unwrap();
    engine.queue().write_buffer(&plain, 0, x.data().as_bytes());
    let binding = prepared.bind(&[plain.slice(..)], &[output.slice(..)]).unwrap();
    let kernels: std::collections::HashSet<_> = plan.steps.iter().map(|step| step.kernel).collect();
    assert_eq!(fresh.pipeline_count(), kernels.len());
    assert_eq!(run_and_read(&engine, &binding, &output), expected[0].as_f32().unwrap());
}

#[test]
fn a_session_is_planned_for_the_memory_it_is_given() {
    let (_instance, engine) = paged();
    let average = Pool::average([2, 2]).dilation([2]);
    let model = wgpool_net::Model::new("m", [64, 64, 1])
        // Too large to be unrolled, and dilated.
        .layer("first", wgpool_net::LayerKind::Pool(Pool::max([8, 8]).layout(Layout::Nhwc)))
        .layer("second", wgpool_net::LayerKind::Pool(average.layout(Layout::Nhwc)));
    let program = || model.program(1).unwrap();
    let x = Tensor::from_f32(&[1, 64, 64, 1], (0..4096).map(|i| (i * 37 % 101) as f32).collect()).unwrap();
    let expected = program().run(&wgpool::Backend::Reference, &x).unwrap();
    let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    let uniform = usage | BufferUsages::UNIFORM;
    let sizes = wgpool_net::Session::scratch_sizes_of(&program());
    // Which layers' kernels read in pages, by what the input and the buffers between the layers are.
    for (of_input, of_scratch, paged) in [
        (uniform, uniform, [true, true]),
        (usage, uniform, [false, true]),
        (uniform, usage, [true, false]),
        (usage, usage, [false, false]),
    ] {
        let input = buffer(&engine, engine.caps().padded(x.desc().buffer_size()), of_input);
        let [size] = sizes.as_slice() else { panic!("one tensor lies between two layers: {sizes:?}") };
        let scratch = buffer(&engine, engine.caps().padded(*size), of_scratch);
        let memory = wgpool_net::Memory {
            inputs: vec![input.slice(..)],
            outputs: vec![],
            scratch: vec![scratch.slice(..)],
        };
        let fresh = Engine::from_device(engine.device(), engine.queue()).with_caps(engine.caps().clone());
        let session = wgpool_net::Session::compile_in(&fresh, program(), &memory).unwrap();
        assert_eq!(session.run(&x).unwrap(), expected);
        let steps = session.explain().layers.iter().map(|layer| layer.explanation.steps[0].name());
        let names: Vec<_> = steps.collect();
        let in_pages: Vec<_> = names.iter().map(|name| name.contains("Pages")).collect();
        assert_eq!(in_pages, paged, "{names:?}");
        assert_eq!(fresh.pipeline_count(), 2);
    }
    // Whole pages are needed too.
    let short = buffer(&engine, x.desc().buffer_size(), uniform);
    let memory = wgpool_net::Memory { inputs: vec![short.slice(..)], ..Default::default() };
    let session = wgpool_net::Session::compile_in(&engine, program(), &memory).unwrap();
    assert_eq!(session.run(&x).unwrap(), expected);
}

#[test]
fn a_binding_forgets_the_run_before() {
    let engine = engine();
    let spec = MaxUnpool::new([4]);
    let x = Tensor::from_f32(&[1, 1, 2], vec![1.0, 2.0]).unwrap();
    let plan = engine
        .plan(&Op::from(spec), &[x.desc(), TensorDesc { shape: vec![1, 1, 2], dtype: wgpool::DType::I32 }])
        .unwrap();
    let values = engine.upload("test", &x).unwrap();
    let indices = engine.tensor_buffer("test", 8).unwrap();
    let output = engine.storage("test", 16).unwrap();
    let binding = engine
        .prepare(&plan)
        .unwrap()
        .bind(&[values.slice(..), indices.slice(..)], &[output.slice(..)])
        .unwrap();
    for (at, expected) in [([3, 0], [2., 0., 0., 1.]), ([1, 1], [0., 2., 0., 0.]), ([2, 3], [0., 0., 1., 2.])]
    {
        engine.queue().write_buffer(&indices, 0, bytemuck::cast_slice::<i32, u8>(&at));
        assert_eq!(run_and_read(engine, &binding, &output), expected);
    }
    // An index outside the output, which only the GPU sees, is ignored.
    engine.queue().write_buffer(&indices, 0, bytemuck::cast_slice(&[-1i32, 4]));
    assert_eq!(run_and_read(engine, &binding, &output), [0.; 4]);
}

#[test]
fn a_prepacked_binding_computes_what_the_whole_one_does() {
    let engine = engine();
    // The kernel less its zero points is packed on every device.
    let op = Op::from(ConvInteger { conv: Conv::new(), requantize: None });
    let bytes = |shape: &[usize], value: fn(usize) -> u8| {
        Tensor::new(shape, Data::U8((0..shape.iter().product()).map(value).collect())).unwrap()
    };
    let x = bytes(&[1, 3, 6, 6], |i| (i * 7 % 251) as u8);
    let w = bytes(&[5, 3, 3, 3], |i| (i * 11 % 253) as u8);
    let other = bytes(&[5, 3, 3, 3], |i| (i * 13 % 241) as u8);
    let zeros = [bytes(&[1], |_| 3), bytes(&[1], |_| 4)];
    let expected = |w: &Tensor| {
        let outputs = wgpool::reference::run(&op, &[&x, w, &zeros[0], &zeros[1]]).unwrap();
        outputs[0].data().clone()
    };
    let plan = engine.plan(&op, &support::descs(&[&x, &w, &zeros[0], &zeros[1]])).unwrap();
    let upload = |tensor: &Tensor| engine.upload("test", tensor).unwrap();
    let inputs = [upload(&x), upload(&w), upload(&zeros[0]), upload(&zeros[1])];
    let output = engine.storage("test", plan.problem.outputs[0].buffer_size()).unwrap();
    let prepared = engine.prepare(&plan).unwrap();
    let bind = || prepared.bind(&inputs.each_ref().map(|b| b.slice(..)), &[output.slice(..)]).unwrap();

    let binding = bind();
    assert!(binding.prepacks_weights());
    let prepacked = binding.prepack(engine).unwrap();
    for _ in 0..2 {
        let read = submit_and_read(engine, |pass| prepacked.encode(pass), &output);
        assert_eq!(Data::I32(read), expected(&w));
    }
    let several = engine.prepack(vec![bind(), bind()]).unwrap();
    for prepacked in &several {
        let read = submit_and_read(engine, |pass| prepacked.encode(pass), &output);
        assert_eq!(Data::I32(read), expected(&w));
    }
    // Other weights are read once the whole binding has been recorded again.
    engine.queue().write_buffer(&inputs[1], 0, &padded(other.data().as_bytes()));
    let read = submit_and_read(engine, |pass| prepacked.binding().encode(pass), &output);
    assert_eq!(Data::I32(read), expected(&other));
    let read = submit_and_read(engine, |pass| prepacked.encode(pass), &output);
    assert_eq!(Data::I32(read), expected(&other));
}

/// Bytes filled up to whole words.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}
