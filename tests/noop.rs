//! What a device's limits and an app's buffers permit, on wgpu's back end that computes nothing: these need no adapter, and
//! any limits can be asked for.

use wgpool::{
    Activation, Conv, DType, Engine, Error, IndexNumbering, MaxUnpool, Op, Plan, Pool, Result, Softmax,
    TensorDesc,
};
use wgpu::{BufferUsages, Features, Limits};

/// An engine on a device with those limits and features.
fn engine_with(required_features: Features, edit: fn(&mut Limits)) -> Engine {
    let mut required_limits = Limits::downlevel_defaults();
    edit(&mut required_limits);
    let descriptor = wgpu::DeviceDescriptor { required_features, required_limits, ..Default::default() };
    let (device, queue) = wgpu::Device::noop(&descriptor);
    Engine::from_device(&device, &queue)
}

fn engine(edit: fn(&mut Limits)) -> Engine {
    engine_with(Features::empty(), edit)
}

/// The limit that planning breaks: its name, what is needed, what there is.
fn limit(result: Result<Plan>) -> (&'static str, u64, u64) {
    match result {
        Err(Error::Limit { limit, needed, allowed, .. }) => (limit, needed, allowed),
        other => panic!("{other:?}"),
    }
}

fn buffer(engine: &Engine, size: u64, usage: BufferUsages) -> wgpu::Buffer {
    let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
    engine.device().create_buffer(&descriptor)
}

#[test]
fn what_is_larger_than_a_binding_is_divided_or_refused() {
    let whole = engine(|_| {});
    let small = engine(|limits| limits.max_storage_buffer_binding_size = 1024);
    let relu = Op::from(Activation::Relu);
    let x = [TensorDesc::f32([1, 1, 600])];
    assert_eq!(whole.plan(&relu, &x).unwrap().steps.len(), 1);
    let divided = small.plan(&relu, &x).unwrap();
    assert_eq!(divided.steps.len(), 3);
    // The rows of a softmax can be where they begin at an offset that the device can bind, but not one row.
    let softmax = Op::from(Softmax::last_axis());
    assert!(small.plan(&softmax, &[TensorDesc::f32([40, 64])]).unwrap().steps.len() > 1);
    let row = small.plan(&softmax, &[TensorDesc::f32([1, 300])]);
    assert_eq!(limit(row), ("max_storage_buffer_binding_size", 1200, 1024));
    // What was planned for the one device does not run on the other.
    let plan = whole.plan(&relu, &x).unwrap();
    let bound = small.prepare(&plan).and_then(|prepared| {
        let [input, output] = [(); 2].map(|()| buffer(&small, 2400, BufferUsages::STORAGE));
        prepared.bind(&[input.slice(..)], &[output.slice(..)])
    });
    assert!(bound.is_err());
}

#[test]
fn fewer_bindings_or_workgroups_than_a_kernel_needs_are_refused() {
    let few = engine(|limits| limits.max_storage_buffers_per_shader_stage = 3);
    let values = TensorDesc::f32([1, 1, 300]);
    let indices = TensorDesc { shape: vec![1, 1, 300], dtype: DType::I32 };
    let unpool = few.plan(&MaxUnpool::new([600]).into(), &[values.clone(), indices.clone()]);
    assert_eq!(limit(unpool), ("max_storage_buffers_per_shader_stage", 4, 3));
    assert!(engine(|_| {}).plan(&MaxUnpool::new([600]).into(), &[values.clone(), indices]).is_ok());
    // One workgroup along each axis is 64 invocations.
    let one = engine(|limits| limits.max_compute_workgroups_per_dimension = 1);
    let relu = one.plan(&Activation::Relu.into(), &[values]);
    assert_eq!(limit(relu), ("max_compute_workgroups_per_dimension", 5, 1));
    assert!(one.plan(&Activation::Relu.into(), &[TensorDesc::f32([1, 1, 64])]).is_ok());
}

#[test]
fn halves_need_the_feature() {
    let half = [TensorDesc { shape: vec![1, 1, 8], dtype: DType::F16 }];
    let pool = Op::from(Pool::max([2]));
    let error = engine(|_| {}).plan(&pool, &half).unwrap_err();
    assert!(matches!(error, Error::Feature { feature: "SHADER_F16", .. }), "{error}");
    assert!(engine_with(Features::SHADER_F16, |_| {}).plan(&pool, &half).is_ok());
}

#[test]
fn buffers_that_break_a_rule_are_refused() {
    let engine = engine(|_| {});
    let plan = engine.plan(&Pool::max([2, 2]).into(), &[TensorDesc::f32([1, 1, 4, 4])]).unwrap();
    let prepared = engine.prepare(&plan).unwrap();
    let rule = |input: wgpu::BufferSlice<'_>, output: wgpu::BufferSlice<'_>| match prepared
        .bind(&[input], &[output])
    {
        Err(Error::Buffer { rule, .. }) => rule,
        other => panic!("{other:?}"),
    };
    let [input, output] = [64, 16].map(|size| buffer(&engine, size, BufferUsages::STORAGE));
    let wrong = buffer(&engine, 64, BufferUsages::COPY_DST);
    assert!(rule(wrong.slice(..), output.slice(..)).contains("STORAGE"));
    assert!(rule(input.slice(..60), output.slice(..)).contains("too small"));
    assert!(rule(input.slice(..), output.slice(..12)).contains("too small"));
    let large = buffer(&engine, 1024, BufferUsages::STORAGE);
    assert!(rule(large.slice(4..), output.slice(..)).contains("alignment"));
    assert!(rule(large.slice(..256), large.slice(512..)).contains("no other"));
    for (inputs, outputs) in [(0, 1), (2, 1), (1, 0), (1, 2)] {
        let error =
            prepared.bind(&vec![input.slice(..); inputs], &vec![output.slice(..); outputs]).unwrap_err();
        assert!(matches!(error, Error::Arity { .. }), "{error}");
    }
}

#[test]
fn a_refused_buffer_is_called_by_its_tensor() {
    let engine = engine(|_| {});
    let conv = [[1, 2, 4, 4], [3, 2, 2, 2]].map(TensorDesc::f32);
    let biased = [conv.to_vec(), vec![TensorDesc::f32([3])]].concat();
    let indexed = Pool::max([2, 2]).indices(IndexNumbering::PerPlane);
    let cases: [(Op, &[TensorDesc], &[&str]); 2] = [
        (Conv::new().into(), &biased, &["the input", "the kernel", "the bias", "the output"]),
        (indexed.into(), &conv[..1], &["the input", "the output", "the indices of the output"]),
    ];
    for (op, inputs, names) in cases {
        let prepared = engine.prepare(&engine.plan(&op, inputs).unwrap()).unwrap();
        for (wrong, name) in names.iter().enumerate() {
            let usage = |i| if i == wrong { BufferUsages::COPY_DST } else { BufferUsages::STORAGE };
            let buffers: Vec<_> = (0..names.len()).map(|i| buffer(&engine, 1024, usage(i))).collect();
            let slices: Vec<_> = buffers.iter().map(|buffer| buffer.slice(..)).collect();
            let (inputs, outputs) = slices.split_at(inputs.len());
            let error = prepared.bind(inputs, outputs).unwrap_err().to_string();
            assert!(error.contains(&format!("buffer for {name}: ")), "{error}");
            assert!(error.ends_with("it needs the usage STORAGE (it has COPY_DST)"), "{error}");
        }
    }
}

#[test]
fn what_is_recorded_is_valid() {
    let engine = engine(|_| {});
    let plan = engine.plan(&Pool::max([2, 2]).into(), &[TensorDesc::f32([1, 1, 4, 4])]).unwrap();
    let [input, output] = [64, 16].map(|size| buffer(&engine, size, BufferUsages::STORAGE));
    let binding = engine.prepare(&plan).unwrap().bind(&[input.slice(..)], &[output.slice(..)]).unwrap();
    let scope = engine.device().push_error_scope(wgpu::ErrorFilter::Validation);
    let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    binding.encode(&mut pass);
    drop(pass);
    engine.queue().submit([encoder.finish()]);
    assert!(pollster::block_on(scope.pop()).is_none());
}
