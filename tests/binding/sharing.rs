//! One engine: from many threads, on a lost device, with pipelines of a file.

use super::*;

#[test]
fn eight_threads_on_one_engine() {
    let engine = engine();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let mut rng = Rng::new(thread);
                for family in Family::ALL {
                    for _ in 0..3 {
                        let case = support::case(engine, family, &mut rng);
                        let inputs: Vec<&Tensor> = case.inputs.iter().collect();
                        let outputs = engine.run(&case.op, &inputs).unwrap();
                        support::judge(&case.op, &inputs, &outputs)
                            .unwrap_or_else(|e| panic!("{}: {e}", support::describe(&case)));
                    }
                }
            });
        }
    });
}

#[test]
fn an_engine_is_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Engine>();
    check::<Plan>();
    check::<wgpool::Prepared>();
    check::<wgpool::Binding>();
    check::<wgpool::PrepackedBinding>();
    check::<wgpool::engine::Recorded>();
    check::<wgpool::engine::Pending>();
    check::<wgpool_net::Session>();
}

#[test]
fn a_destroyed_device_is_an_error() {
    let (device, queue) = wgpool::engine::open_device(&wgpool::Choice::Gpu)
        .or_else(|_| wgpool::engine::open_device(&wgpool::Choice::Software))
        .unwrap();
    let engine = Engine::from_device(&device, &queue);
    let x = Tensor::from_f32(&[2, 3], vec![0.0; 6]).unwrap();
    let softmax = Op::from(Softmax::last_axis());
    engine.run(&softmax, &[&x]).unwrap();
    device.destroy();
    let error = engine.run(&softmax, &[&x]).unwrap_err();
    assert!(matches!(error, Error::DeviceLost { .. }), "{error:?}");
}

#[test]
fn pipelines_come_back_from_a_file() {
    let engine = engine();
    let folder = std::env::temp_dir().join(format!("wgpool-cache-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("pipelines");
    let case = support::case(engine, Family::Conv, &mut Rng::new(5));
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    let works = |engine: &Engine| {
        let outputs = engine.run(&case.op, &inputs).unwrap();
        support::judge(&case.op, &inputs, &outputs).unwrap();
    };
    let first = engine.with_pipeline_cache(&file);
    works(&first);
    let saved = first.save_pipeline_cache(&file).unwrap();
    assert_eq!(saved, engine.device().features().contains(wgpu::Features::PIPELINE_CACHE));
    works(&engine.with_pipeline_cache(&file));
    // A file of something else is ignored, and replaced.
    for foreign in [&b""[..], b"something else", &[0; 4096]] {
        std::fs::write(&file, foreign).unwrap();
        let engine = engine.with_pipeline_cache(&file);
        works(&engine);
        assert_eq!(engine.save_pipeline_cache(&file).unwrap(), saved);
    }
    if saved {
        let error = first.save_pipeline_cache(&folder.join("missing/file")).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a part of a file was left");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn pipelines_of_many_plans_are_built_at_once() {
    let engine = Engine::from_device(engine().device(), engine().queue());
    let mut rng = Rng::new(21);
    let plans: Vec<Plan> = (Family::ALL.iter())
        .map(|family| {
            let case = support::case(&engine, *family, &mut rng);
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            engine.plan(&case.op, &support::descs(&inputs)).unwrap()
        })
        .collect();
    let keys: std::collections::HashSet<_> = plans.iter().flat_map(|p| &p.steps).map(|s| s.kernel).collect();
    assert_eq!(engine.prepare_all(&plans).unwrap().len(), plans.len());
    assert_eq!(engine.pipeline_count(), keys.len());
    engine.prepare_all(&plans).unwrap();
    assert_eq!(engine.pipeline_count(), keys.len());
}

#[test]
fn recording_allocates_nothing() {
    // An instance of its own, so that its report counts nothing of other tests.
    let (instance, adapter) = own_adapter();
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    let engine = Engine::from_device(&device, &queue);
    let model = wgpool_net::keras::load(
        concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist/config.json"),
        Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist/weights.safetensors").as_ref()),
    )
    .unwrap();
    let program = model.program(2).unwrap();
    let sizes = wgpool_net::Session::scratch_sizes_of(&program);
    // The app's own memory.
    let own =
        |size| buffer(&engine, size, BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST);
    let (input, output) =
        (own(program.inputs[0].desc.buffer_size()), own(program.outputs[0].desc.buffer_size()));
    let scratch: Vec<_> = sizes.iter().copied().map(own).collect();
    let memory = wgpool_net::Memory {
        inputs: vec![input.slice(..)],
        outputs: vec![output.slice(..)],
        scratch: scratch.iter().map(|buffer| buffer.slice(..)).collect(),
    };
    let session = wgpool_net::Session::compile_in(&engine, program, &memory).unwrap();
    assert_eq!(session.scratch_size(), sizes.iter().sum::<u64>());
    let frame = || {
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        session.encode(&mut encoder).unwrap();
        queue.submit([encoder.finish()]);
        device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    };
    let count = || {
        let report = instance.generate_report().expect("a report of wgpu-core");
        let hub = report.hub_report();
        (hub.buffers.num_allocated, hub.bind_groups.num_allocated, hub.compute_pipelines.num_allocated)
    };
    frame();
    let before = count();
    for _ in 0..20 {
        frame();
    }
    assert_eq!(count(), before, "buffers, bind groups, pipelines");
    assert!(before.0 > 0 && before.1 > 0 && before.2 > 0, "the report counts: {before:?}");
}

#[test]
fn a_buffer_of_another_device_is_an_error() {
    let (_instance, adapter) = own_adapter();
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let [ours, other] = [(); 2].map(|()| {
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
        Engine::from_device(&device, &queue)
    });
    let foreign = buffer(&other, 64, BufferUsages::STORAGE);
    let output = buffer(&ours, 16, BufferUsages::STORAGE);
    let prepared = ours.prepare(&pooling(&ours)).unwrap();
    let error = prepared.bind(&[foreign.slice(..)], &[output.slice(..)]).unwrap_err();
    assert!(matches!(error, Error::Gpu { .. }), "{error:?}");
    assert!(error.to_string().contains("max pooling"), "{error}");
}
