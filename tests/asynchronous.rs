//! Everything that waits for a device as a future, on an executor of this file alone.

use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use wgpool::engine::{Readback, Search, adapters_async};
use wgpool::{
    Backend, Choice, Conv, ConvInteger, Data, Engine, Error, Fallback, Op, Plan, Pool, Softmax, Tensor,
};
use wgpool_net::{Program, Session, keras};
use wgpool_testing::support::{self, engine};

/// Wakes the thread that runs a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future that another thread could run as well; the thread sleeps where it waits.
fn run<T>(future: impl Future<Output = T> + Send) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Two futures in turn, until both have ended.
async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b, mut first, mut second) = (pin!(a), pin!(b), None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(context)
        {
            first = Some(value);
        }
        if second.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(context)
        {
            second = Some(value);
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

fn image(from: usize) -> Tensor {
    let values = (0..2 * 8 * 8).map(|i| ((i * 37 + from) % 101) as f32 - 50.0).collect();
    Tensor::from_f32(&[1, 2, 8, 8], values).unwrap()
}

fn digits(batch: usize) -> Program {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
    let read = |name: &str| std::fs::read(data.join(name)).unwrap();
    keras::from_config(read("config.json"), &read("weights.safetensors")).unwrap().program(batch).unwrap()
}

fn digit(from: usize) -> Tensor {
    let values = (0..28 * 28).map(|i| ((i * 31 + from * 17) % 97) as f32 / 97.0).collect();
    Tensor::from_f32(&[1, 28, 28, 1], values).unwrap()
}

#[test]
fn backends_are_opened() {
    let open = |choice: Choice| run(Backend::open_async(&choice, Search::default()));
    assert!(matches!(open(Choice::Host).unwrap().backend, Backend::Host));
    assert!(matches!(open(Choice::Reference).unwrap().backend, Backend::Reference));
    open(Choice::Auto).unwrap();
    let missing = open(Choice::Named("no adapter is called this".into())).unwrap_err();
    assert!(matches!(missing, Error::NoAdapter { .. }), "{missing}");

    // A name is an argument: nothing is taken from the environment.
    let named = |name: &str| {
        let mut search = Search::default();
        search.name = Some(name.to_owned());
        search
    };
    let info = engine().device().adapter_info();
    let found = run(adapters_async(named(&info.name.to_uppercase())));
    assert!(!found.is_empty() && found.iter().all(|adapter| adapter.name == info.name), "{found:?}");
    assert!(run(adapters_async(named("no adapter is called this"))).is_empty());
    let opened = run(Backend::open_async(&Choice::Auto, named(&info.name))).unwrap();
    assert!(opened.backend.name().starts_with(&info.name), "{opened:?}");
    assert!(opened.reason.contains(&info.name), "{opened:?}");
    let opened = run(Backend::open_async(&Choice::Auto, named("no adapter is called this"))).unwrap();
    assert!(matches!(opened.backend, Backend::Host), "{opened:?}");
}

#[test]
fn operations_are_prepared_bound_and_read() {
    let engine = Engine::from_device(engine().device(), engine().queue());
    let bytes = |shape: &[usize]| Tensor::new(shape, Data::U8(vec![3; shape.iter().product()])).unwrap();
    let (x, w, zeros) = (bytes(&[1, 2, 5, 5]), bytes(&[3, 2, 3, 3]), [bytes(&[1]), bytes(&[1])]);
    let inputs = [&x, &w, &zeros[0], &zeros[1]];
    let integer = Op::from(ConvInteger { conv: Conv::new(), requantize: None });
    let plans = [
        engine.plan(&integer, &support::descs(&inputs)).unwrap(),
        engine.plan(&Pool::max([2, 2]).into(), &[image(0).desc()]).unwrap(),
        engine.plan(&Softmax::last_axis().into(), &[image(0).desc()]).unwrap(),
    ];
    let output = run(async {
        let prepared = engine.prepare_all_async(&plans).await?;
        assert_eq!(prepared.len(), plans.len());
        let mut buffers = Vec::new();
        for input in inputs {
            buffers.push(engine.upload_async("test", input).await?);
        }
        let desc = &plans[0].problem.outputs[0];
        let output = engine.tensor_buffer_async("test", desc.buffer_size()).await?;
        let slices: Vec<_> = buffers.iter().map(|buffer| buffer.slice(..)).collect();
        let binding = prepared[0].bind_async(&slices, &[output.slice(..)]).await?;
        assert!(binding.prepacks_weights());
        let binding = binding.prepack_async(&engine).await?;
        let ring = Readback::new_async(&engine, desc, 1).await?;
        let mut encoder = engine.device().create_command_encoder(&Default::default());
        binding.encode(&mut encoder.begin_compute_pass(&Default::default()));
        let recorded = ring.record(&mut encoder, output.slice(..))?;
        recorded.submitted(engine.queue().submit([encoder.finish()])).read().await
    });
    support::judge(&integer, &inputs, &[output.unwrap()]).unwrap();

    // Nothing was left to build.
    let built = engine.pipeline_count();
    let kernels: std::collections::HashSet<_> =
        plans.iter().flat_map(|plan| &plan.steps).map(|step| step.kernel).collect();
    assert_eq!(built, kernels.len());
    run(engine.prepare_async(&plans[1])).unwrap();
    assert_eq!(engine.pipeline_count(), built);
    let broken = engine.with_edited_shaders(|_, text| text + "no WGSL");
    let error = run(broken.prepare_all_async(&plans)).unwrap_err();
    assert!(matches!(error, Error::Gpu { .. }), "{error:?}");
}

/// Between two pipelines, the executor's other tasks have a turn.
#[test]
fn building_pipelines_gives_way() {
    let engine = Engine::from_device(engine().device(), engine().queue());
    let plan = |op: Op| engine.plan(&op, &[image(0).desc()]).unwrap();
    let plans: [Plan; 2] = [plan(Pool::max([2, 2]).into()), plan(Softmax::last_axis().into())];
    let mut future = pin!(engine.prepare_all_async(&plans));
    let mut seen = Vec::new();
    let prepared = run(poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        seen.push(engine.pipeline_count());
        polled
    }));
    assert_eq!(prepared.unwrap().len(), 2);
    assert!(seen.len() > 2, "polled {} times", seen.len());
}

#[test]
fn operations_in_flight_together_have_their_own_results() {
    let op = Op::from(Pool::max([2, 2]));
    for backend in [Backend::Gpu(engine().clone()), Backend::Host, Backend::Reference] {
        let [x, y] = [image(1), image(2)];
        let (a, b) = run(both(backend.run_async(&op, &[&x]), backend.run_async(&op, &[&y])));
        support::judge(&op, &[&x], &a.unwrap()).unwrap();
        support::judge(&op, &[&y], &b.unwrap()).unwrap();
    }
    let mut caps = engine().caps().clone();
    caps.max_binding = 4;
    let small = Backend::Gpu(engine().with_caps(caps));
    let x = image(3);
    let roomy = Op::from(Softmax::last_axis());
    let refused = run(small.run_or_async(&roomy, &[&x], Fallback::Refuse)).unwrap_err();
    assert!(matches!(refused, Error::Limit { .. }), "{refused}");
    let (outputs, on_host) = run(small.run_or_async(&roomy, &[&x], Fallback::Host)).unwrap();
    assert!(on_host);
    support::judge(&roomy, &[&x], &outputs).unwrap();
}

#[test]
fn runs_of_a_session_in_flight_together_have_their_own_results() {
    let expected = [0, 1, 2].map(|i| {
        let exact = Session::compile(&Backend::Reference, digits(1)).unwrap();
        exact.run(&digit(i)).unwrap()
    });
    let close = |got: &Tensor, i: usize| {
        let pairs = got.as_f32().unwrap().iter().zip(expected[i].as_f32().unwrap());
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-4), "{i}: {got:?}, {:?}", expected[i]);
    };
    let distinct = |i: usize, j: usize| expected[i].as_f32().unwrap() != expected[j].as_f32().unwrap();
    assert!(distinct(0, 1) && distinct(1, 2) && distinct(0, 2));
    for backend in [Backend::Gpu(engine().clone()), Backend::Host, Backend::Reference] {
        let session = run(Session::compile_async(&backend, digits(1))).unwrap();
        let inputs = [0, 1, 2].map(digit);
        for _ in 0..3 {
            let two = both(session.run_async(&inputs[0]), session.run_async(&inputs[1]));
            let ((a, b), c) = run(both(two, session.run_async(&inputs[2])));
            close(&a.unwrap(), 0);
            close(&b.unwrap(), 1);
            close(&c.unwrap(), 2);
        }
        let wrong = run(session.run_async(&image(0))).unwrap_err();
        assert!(matches!(wrong, Error::Shape { .. }), "{wrong}");
        close(&run(digits(1).run_async(&backend, &inputs[1])).unwrap(), 1);
        // Threads that wait are no different.
        thread::scope(|scope| {
            for (i, input) in inputs.iter().enumerate() {
                let (session, close) = (&session, &close);
                scope.spawn(move || (0..10).for_each(|_| close(&session.run(input).unwrap(), i)));
            }
        });
    }
}

#[test]
fn a_pipeline_cache_of_bytes_is_used_only_as_it_was_made() {
    let engine = engine();
    let op = Op::from(Pool::max([2, 2]));
    let works = |engine: &Engine| {
        let outputs = run(engine.run_async(&op, &[&image(0)])).unwrap();
        support::judge(&op, &[&image(0)], &outputs).unwrap();
    };
    let first = run(engine.with_pipeline_cache_data(&[])).unwrap();
    works(&first);
    let data = first.pipeline_cache_data();
    assert_eq!(data.is_some(), engine.device().features().contains(wgpu::Features::PIPELINE_CACHE));
    let Some(mut data) = data else { return };
    let second = run(engine.with_pipeline_cache_data(&data)).unwrap();
    assert_eq!(second.pipeline_count(), 0);
    works(&second);
    *data.last_mut().unwrap() ^= 1;
    let error = run(engine.with_pipeline_cache_data(&data)).unwrap_err();
    assert!(matches!(&error, Error::Document { reason, .. } if reason.contains("damaged")), "{error}");
}

/// What browsers do not have compiles for them all the same, and fails when it is called.
#[test]
fn files_threads_and_the_environment_are_in_native_modules_alone() {
    // `cfg` keeps these out of builds for wasm32.
    let native = ["engine/blocking.rs", "engine/readback/watch.rs", "engine/tune.rs", "threads/awake.rs"];
    let files = support::assert_native_alone(concat!(env!("CARGO_MANIFEST_DIR"), "/src"), &native);
    assert!(files > 100, "{files} files");
}
