//! Results without blocking: rings of staging buffers, futures, and several runs in flight.

use wgpool_testing::support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};

use wgpool::engine::Readback;
use wgpool::{Error, Op, Pool, Tensor, TensorDesc};
use wgpool_testing::support::engine;
use wgpool_testing::verify::random::{Family, Rng};

fn numbers(from: f32) -> Tensor {
    Tensor::from_f32(&[4], (0..4).map(|i| from + i as f32).collect()).unwrap()
}

#[test]
fn a_ring_holds_as_many_runs_as_it_has_slots() {
    let engine = engine();
    let ring = Readback::new(engine, &TensorDesc::f32([4]), 3).unwrap();
    let mut in_flight = Vec::new();
    for run in 0..3 {
        let buffer = engine.upload("test", &numbers(run as f32 * 10.0)).unwrap();
        let mut encoder = engine.device().create_command_encoder(&Default::default());
        in_flight.push(ring.record(&mut encoder, buffer.slice(..)).unwrap());
        engine.queue().submit([encoder.finish()]);
    }
    assert_eq!(ring.free_slots(), 0);
    let buffer = engine.upload("test", &numbers(0.0)).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    let error = ring.record(&mut encoder, buffer.slice(..)).unwrap_err();
    assert!(matches!(error, Error::Busy { in_flight: 3, .. }), "{error}");

    // Read in another order than submitted; one is dropped unread.
    let [first, second, third]: [_; 3] = in_flight.try_into().unwrap();
    assert_eq!(pollster::block_on(third.read()).unwrap(), numbers(20.0));
    drop(second);
    assert_eq!(first.wait().unwrap(), numbers(0.0));
    assert_eq!(ring.free_slots(), 3);

    // A slot serves again.
    let pending = ring.record(&mut encoder, buffer.slice(..)).unwrap();
    engine.queue().submit([encoder.finish()]);
    assert_eq!(pending.wait().unwrap(), numbers(0.0));
}

#[test]
fn sources_that_break_a_rule_are_refused() {
    let engine = engine();
    let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    let small = engine.storage("test", 8).unwrap();
    let error = ring.record(&mut encoder, small.slice(..)).unwrap_err();
    assert!(error.to_string().contains("too small"), "{error}");
    let uniform = engine.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 64,
        usage: wgpu::BufferUsages::UNIFORM,
        mapped_at_creation: false,
    });
    let error = ring.record(&mut encoder, uniform.slice(..)).unwrap_err();
    assert!(error.to_string().contains("COPY_SRC"), "{error}");
    assert_eq!(ring.free_slots(), 1);
    assert!(Readback::new(engine, &TensorDesc::f32([4]), 0).is_err());
}

/// Counts how often it is woken.
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn futures_of_several_runs_overlap() {
    let engine = engine();
    let mut rng = Rng::new(3);
    let cases: Vec<_> = (Family::ALL.iter()).map(|f| f.case(&mut rng, engine.caps().f16)).collect();
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let waker = counter.clone().into();
    let mut context = Context::from_waker(&waker);
    let inputs: Vec<Vec<&Tensor>> = cases.iter().map(|c| c.inputs.iter().collect()).collect();
    let mut futures: Vec<_> = (cases.iter().zip(&inputs))
        .map(|(case, inputs)| Some(Box::pin(engine.run_async(&case.op, inputs))))
        .collect();
    let (mut most, mut rounds) = (0, 0);
    while futures.iter().any(Option::is_some) {
        // Every run is started before any is awaited to its end.
        for (i, slot) in futures.iter_mut().enumerate() {
            let Some(future) = slot else { continue };
            if let Poll::Ready(outputs) = future.as_mut().poll(&mut context) {
                support::judge(&cases[i].op, &inputs[i], &outputs.unwrap()).unwrap();
                *slot = None;
            }
        }
        most = most.max(futures.iter().flatten().count());
        rounds += 1;
        assert!(rounds < 10_000_000, "the futures make no progress");
    }
    // On OpenGL a run in software may be over when it is submitted: whether two overlap is then a matter of chance.
    let by_chance = engine.device().adapter_info().backend == wgpu::Backend::Gl;
    assert!(most > 1 || by_chance, "no two runs were in flight at once");
    assert!(counter.0.load(Ordering::Relaxed) > 0 || by_chance, "nobody was woken");
}

#[test]
fn a_future_may_be_dropped_half_way() {
    let engine = engine();
    let x = Tensor::from_f32(&[1, 1, 64], vec![1.0; 64]).unwrap();
    let op = Op::from(Pool::max([2]));
    for _ in 0..20 {
        let inputs = [&x];
        let mut future = pin!(engine.run_async(&op, &inputs));
        let waker = Arc::new(Counter(AtomicUsize::new(0))).into();
        let _ = future.as_mut().poll(&mut Context::from_waker(&waker));
    }
    assert_eq!(engine.run(&op, &[&x]).unwrap()[0].as_f32().unwrap(), [1.0; 32]);
}
