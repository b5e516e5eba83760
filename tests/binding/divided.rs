//! What is larger than one binding or one dimension of a dispatch.

use super::*;

#[test]
fn limits_are_named() {
    let engine = engine();
    let mut caps = engine.caps().clone();
    caps.max_binding = 1000;
    // Elements of an activation can be divided, the rows of a softmax too, but not one row.
    let row = TensorDesc::f32([1, 300]);
    let error = Plan::new(&Softmax::last_axis().into(), &[row], &caps).unwrap_err();
    assert!(error.to_string().contains("max_storage_buffer_binding_size"), "{error}");
    assert!(error.to_string().contains("1200"), "{error}");
    let desc = TensorDesc::f32([1, 1, 300]);
    let mut caps = engine.caps().clone();
    caps.f16 = false;
    let half = TensorDesc { shape: vec![1, 1, 8], dtype: wgpool::DType::F16 };
    let error = Plan::new(&Pool::max([2]).into(), &[half], &caps).unwrap_err();
    assert!(matches!(error, Error::Feature { feature: "SHADER_F16", .. }), "{error}");
    // The kernels of unpooling bind four storage buffers.
    let mut caps = engine.caps().clone();
    caps.max_storage_buffers = 3;
    let indices = TensorDesc { shape: vec![1, 1, 300], dtype: wgpool::DType::I32 };
    let error = Plan::new(&MaxUnpool::new([600]).into(), &[desc.clone(), indices], &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 4, allowed: 3, .. }), "{error}");
    assert!(error.to_string().contains("max_storage_buffers_per_shader_stage"), "{error}");
    // A grid of one workgroup along each axis holds 64 invocations, and no more.
    let mut caps = engine.caps().clone();
    caps.max_workgroups = 1;
    let error = Plan::new(&Op::from(Activation::Relu), &[desc], &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 5, allowed: 1, .. }), "{error}");
}

#[test]
fn grids_folded_over_three_dimensions_compute_everything() {
    // With so few workgroups in a dimension every grid is folded.
    let engine = engine();
    let mut rng = Rng::new(11);
    for family in Family::ALL {
        for _ in 0..6 {
            let case = family.case(&mut rng, false);
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            let mut caps = engine.caps().clone();
            caps.max_workgroups = 9;
            let plan = match Plan::new(&case.op, &support::descs(&inputs), &caps) {
                Ok(plan) => plan,
                Err(Error::Limit { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            let outputs = engine.run_plan(&plan, &inputs).unwrap();
            support::judge(&case.op, &inputs, &outputs)
                .unwrap_or_else(|e| panic!("{}: {e}", support::describe(&case)));
        }
    }
}

#[test]
fn batches_above_the_binding_size_are_divided() {
    let engine = engine();
    let mut rng = Rng::new(77);
    let (mut divided, mut refused) = (0, 0);
    for family in Family::ALL {
        for _ in 0..25 {
            let case = support::case(engine, family, &mut rng);
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            let descs = support::descs(&inputs);
            let mut caps = engine.caps().clone();
            // A little less than the largest tensor, so that two parts are needed or more.
            let Ok(whole) = Plan::new(&case.op, &descs, &caps) else { continue };
            let largest = (whole.problem.inputs.iter().chain(&whole.problem.outputs))
                .map(TensorDesc::buffer_size)
                .max()
                .unwrap_or(0);
            caps.max_binding = (largest - 1).max(4);
            let plan = match Plan::new(&case.op, &descs, &caps) {
                Ok(plan) => plan,
                Err(Error::Limit { limit: "max_storage_buffer_binding_size", .. }) => {
                    refused += 1;
                    continue;
                }
                Err(error) => panic!("{}: {error}", support::describe(&case)),
            };
            divided += usize::from(plan.steps.len() > whole.steps.len());
            let outputs = engine.run_plan(&plan, &inputs).unwrap();
            support::judge(&case.op, &inputs, &outputs)
                .unwrap_or_else(|e| panic!("{}: {e}", support::describe(&case)));
        }
    }
    assert!(divided > 20, "{divided} divided, {refused} refused");
}

#[test]
fn planes_of_one_image_are_divided() {
    let engine = engine();
    // 256 planes of 256 bytes, of which a binding holds 64: parts start where any device can bind them.
    let mut caps = engine.caps().clone();
    caps.max_binding = 64 * 256;
    let x = Tensor::from_f32(&[1, 256, 8, 8], (0..1 << 14).map(|i| (i * 37 % 101) as f32 - 50.0).collect());
    let x = x.unwrap();
    let samples = Tensor::from_f32(&[1, 256, 2], (0..512).map(|i| i as f32 / 512.0).collect()).unwrap();
    let pool = Pool::max([2, 2]).indices(IndexNumbering::PerPlane);
    let pooled = engine.run(&pool.clone().into(), &[&x]).unwrap();
    let fractional =
        FractionalMaxPool { window: vec![2], output: vec![4, 4], indices: None, layout: Layout::Nchw };
    // Of bytes the outputs fit a binding, but not who owns each of them.
    let bytes = Data::U8((0..1 << 14).map(|i| (i * 37 % 251) as u8).collect());
    let bytes = engine.run(&pool.clone().into(), &[&Tensor::new(&[1, 256, 8, 8], bytes).unwrap()]).unwrap();
    let cases: [(Op, Vec<&Tensor>); 6] = [
        (pool.into(), vec![&x]),
        (Pool::average([2, 2]).into(), vec![&x]),
        (GlobalPool::average().into(), vec![&x]),
        (fractional.into(), vec![&x, &samples]),
        (MaxUnpool::new([8, 8]).into(), vec![&pooled[0], &pooled[1]]),
        (MaxUnpool::new([8, 8]).into(), vec![&bytes[0], &bytes[1]]),
    ];
    for (op, inputs) in cases {
        let plan = Plan::new(&op, &support::descs(&inputs), &caps).unwrap_or_else(|e| panic!("{op:?}: {e}"));
        let parts: Vec<_> = plan.steps.iter().filter_map(|step| step.part).collect();
        assert!(
            parts.len() == plan.steps.len() && parts.iter().all(|part| part.of == 256),
            "{op:?}: {parts:?}"
        );
        let outputs = engine.run_plan(&plan, &inputs).unwrap();
        support::judge(&op, &inputs, &outputs).unwrap_or_else(|e| panic!("{op:?}: {e}"));
    }
    // Channels last, the planes lie in each other; with indices through the whole tensor, each needs its place.
    for pool in
        [Pool::max([2, 2]).layout(Layout::Nhwc), Pool::max([2, 2]).indices(IndexNumbering::WholeRowMajor)]
    {
        let error = Plan::new(&pool.into(), &[x.desc()], &caps).unwrap_err();
        assert!(matches!(error, Error::Limit { .. }), "{error:?}");
    }
}

#[test]
fn a_device_with_small_bindings_computes_large_batches() {
    // A device whose bindings hold 1 MiB, and a tensor of 6 MiB.
    let (_instance, adapter) = own_adapter();
    let mut limits = wgpu::Limits::downlevel_defaults();
    limits.max_storage_buffer_binding_size = 1 << 20;
    let descriptor = wgpu::DeviceDescriptor { required_limits: limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    let engine = Engine::from_device(&device, &queue);
    let values = (0..6 * 64 * 64 * 64).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
    let x = Tensor::from_f32(&[6, 64, 64, 64], values).unwrap();
    for op in [Op::from(Pool::max([2, 2])), Op::from(Activation::Relu)] {
        let outputs = engine.run(&op, &[&x]).unwrap();
        support::judge(&op, &[&x], &outputs).unwrap();
    }
    // One image of 4 MiB, in planes of 256 KiB.
    let values = (0..16 * 256 * 256).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
    let x = Tensor::from_f32(&[1, 16, 256, 256], values).unwrap();
    for op in [
        Op::from(Pool::max([2, 2])),
        Op::from(Pool::average([3, 3]).stride([2, 2]).padding(Padding::SameUpper)),
    ] {
        let outputs = engine.run(&op, &[&x]).unwrap();
        support::judge(&op, &[&x], &outputs).unwrap();
    }
    let image = Tensor::from_f32(&[1, 1, 600, 600], vec![0.0; 360_000]).unwrap();
    let error = engine.run(&Pool::max([2, 2]).into(), &[&image]).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 1_440_000, allowed: 1_048_576, .. }), "{error}");
}
