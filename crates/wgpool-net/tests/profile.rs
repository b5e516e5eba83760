//! Times of each operation of a session.

use wgpool::{Activation, Backend, Engine, Error, Tensor, TensorDesc, wgpu};
use wgpool_net::{Clock, Graph, LayerKind, Model, Program, Session};
use wgpool_testing::support::{self, numbers};

/// Activations behind each other.
fn activations(count: usize) -> Program {
    let mut g = Graph::new("row");
    let mut x = g.input("x", TensorDesc::f32([3, 5]));
    for i in 0..count {
        x = g.at(format!("tanh{i}")).one(Activation::Tanh, &[x]).unwrap();
    }
    g.output("y", x);
    g.finish().unwrap()
}

/// The same adapter, on a device that has no features.
fn without_timestamps() -> Engine {
    let wanted = support::engine().device().adapter_info();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let is_wanted = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        (info.name, info.backend) == (wanted.name.clone(), wanted.backend)
    };
    let adapter = adapters.into_iter().find(is_wanted).unwrap();
    let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Engine::from_device(&device, &queue)
}

#[test]
fn every_operation_has_a_time_of_each_run() {
    let x = numbers(&[3, 5], 4);
    let has = support::engine().device().features().contains(wgpu::Features::TIMESTAMP_QUERY);
    for (backend, clock) in [
        (Backend::Gpu(support::engine().clone()), if has { Clock::Timestamps } else { Clock::Submissions }),
        (Backend::Gpu(without_timestamps()), Clock::Submissions),
        (Backend::Host, Clock::Host),
        (Backend::Reference, Clock::Host),
    ] {
        let session = Session::compile(&backend, activations(3)).unwrap();
        let before = session.run(&x).unwrap();
        let profile = session.profile(&[&x], 4).unwrap();
        assert_eq!((profile.clock, &profile.name, &profile.backend), (clock, &"row".into(), &backend.name()));
        let names: Vec<&str> = profile.steps.iter().map(|step| step.cost.name.as_str()).collect();
        assert_eq!(names, ["tanh0", "tanh1", "tanh2"]);
        for step in &profile.steps {
            assert_eq!((step.samples.len(), &step.cost.explanation.inputs[0].shape), (4, &vec![3, 5]));
            assert!(step.samples.iter().all(|seconds| (0.0..10.0).contains(seconds)), "{:?}", step.samples);
        }
        assert!(profile.total() > 0.0, "{}: {profile:?}", backend.name());
        assert_eq!(session.run(&x).unwrap(), before);
    }
}

#[test]
fn operations_of_several_sets_of_queries_each_have_theirs() {
    let count = wgpu::QUERY_SET_MAX_QUERIES as usize / 2 + 3;
    let session = Session::compile(&Backend::Gpu(support::engine().clone()), activations(count)).unwrap();
    let profile = session.profile(&[&numbers(&[3, 5], 4)], 1).unwrap();
    assert_eq!(profile.steps.len(), count);
    assert!(profile.steps[count - 3..].iter().map(|step| step.median()).sum::<f64>() > 0.0);
}

#[test]
fn medians_are_of_the_sorted_times() {
    let model = Model::new("two", [4]).layer("tanh", LayerKind::Activation(Activation::Tanh));
    let session = Session::compile(&Backend::Host, model.program(1).unwrap()).unwrap();
    let mut profile = session.profile(&[&numbers(&[1, 4], 1)], 4).unwrap();
    profile.steps[0].samples = vec![8.0, 1.0, 2.0, 4.0];
    assert_eq!((profile.steps[0].median(), profile.total()), (3.0, 3.0));
    profile.steps[0].samples.truncate(3);
    assert_eq!(profile.steps[0].median(), 2.0);
}

#[test]
fn wrong_calls_are_errors() {
    let session = Session::compile(&Backend::Host, activations(1)).unwrap();
    let x = numbers(&[3, 5], 4);
    assert!(matches!(session.profile(&[&x], 0), Err(Error::Parameter { parameter: "runs", .. })));
    assert!(matches!(session.profile(&[], 1), Err(Error::Arity { .. })));
    let other = Tensor::from_f32(&[1], vec![0.0]).unwrap();
    assert!(matches!(session.profile(&[&other], 1), Err(Error::Shape { .. })));
}
