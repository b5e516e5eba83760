//! Reading results back: rings of staging buffers, futures, several runs in flight, and results that never come.

use wgpool_testing::support;

use std::future::Future;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::Duration;

use wgpool::engine::{Pending, Readback, Recorded};
use wgpool::{Engine, Error, Op, Pool, Tensor, TensorDesc};
use wgpool_testing::support::engine;
use wgpool_testing::verify::random::{Family, Rng};

fn numbers(from: f32) -> Tensor {
    Tensor::from_f32(&[4], (0..4).map(|i| from + i as f32).collect()).unwrap()
}

/// Records a copy of `tensor` into an encoder of its own.
fn record(engine: &Engine, ring: &Readback, tensor: &Tensor) -> (Recorded, wgpu::CommandEncoder) {
    let buffer = engine.upload("test", tensor).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    (ring.record(&mut encoder, buffer.slice(..)).unwrap(), encoder)
}

fn submit(engine: &Engine, ring: &Readback, tensor: &Tensor) -> Pending {
    let (recorded, encoder) = record(engine, ring, tensor);
    recorded.submitted(engine.queue().submit([encoder.finish()]))
}

#[test]
fn a_ring_holds_as_many_runs_as_it_has_slots() {
    let engine = engine();
    let ring = Readback::new(engine, &TensorDesc::f32([4]), 3).unwrap();
    let mut in_flight = Vec::new();
    for run in 0..3 {
        in_flight.push(submit(engine, &ring, &numbers(run as f32 * 10.0)));
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
    wait_for_slots(engine, &ring, 3);

    // A slot serves again.
    let recorded = ring.record(&mut encoder, buffer.slice(..)).unwrap();
    let pending = recorded.submitted(engine.queue().submit([encoder.finish()]));
    assert_eq!(pending.wait().unwrap(), numbers(0.0));
}

/// The reason why there is no result.
fn reason(result: Result<Tensor, Error>) -> &'static str {
    match result.unwrap_err() {
        Error::NoResult { reason } => reason,
        other => panic!("{other}"),
    }
}

/// Each way to read, as one that ends.
const WAYS: [fn(Pending) -> Result<Tensor, Error>; 3] =
    [Pending::wait, |pending| pollster::block_on(pending.read()), ask_until_there];

/// Asks as an event loop would.
fn ask_until_there(mut pending: Pending) -> Result<Tensor, Error> {
    loop {
        if let Some(tensor) = pending.try_read()? {
            return Ok(tensor);
        }
        thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn an_older_result_is_never_taken_for_the_new_one() {
    let engine = engine();
    for read in WAYS {
        let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
        assert_eq!(read(submit(engine, &ring, &numbers(1.0))).unwrap(), numbers(1.0));
        // Recorded, and not submitted: the index is of another submission, which is done or will be.
        let (recorded, encoder) = record(engine, &ring, &numbers(2.0));
        let other = engine.queue().submit([]);
        assert!(reason(read(recorded.submitted(other))).contains("was not in it"));
        // The command buffer may still come, so the slot is not free; it is when that is done.
        assert_eq!(ring.free_slots(), 0);
        engine.queue().submit([encoder.finish()]);
        wait_for_slots(engine, &ring, 1);
        assert_eq!(read(submit(engine, &ring, &numbers(3.0))).unwrap(), numbers(3.0));
    }
}

/// Polls until wgpu has called back; another test's thread may do so a little later than this one has polled.
fn wait_for_slots(engine: &Engine, ring: &Readback, count: usize) {
    for _ in 0..10_000 {
        engine.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
        if ring.free_slots() == count {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("{} slots are free, not {count}", ring.free_slots());
}

#[test]
fn an_encoder_that_is_dropped_gives_its_slot_back() {
    let engine = engine();
    for read in WAYS {
        let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
        let (recorded, encoder) = record(engine, &ring, &numbers(1.0));
        drop(recorded);
        assert_eq!(ring.free_slots(), 0, "the encoder may still be submitted");
        drop(encoder);
        assert_eq!(ring.free_slots(), 1);
        // The same of a finished command buffer, which somebody says was submitted.
        let (recorded, encoder) = record(engine, &ring, &numbers(2.0));
        drop(encoder.finish());
        let pending = recorded.submitted(engine.queue().submit([]));
        assert!(reason(read(pending)).contains("dropped"));
        assert_eq!(ring.free_slots(), 1);
    }
}

#[test]
fn a_submission_that_fails_brings_no_older_result() {
    let engine = engine();
    for read in WAYS {
        let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
        assert_eq!(read(submit(engine, &ring, &numbers(1.0))).unwrap(), numbers(1.0));
        let (recorded, mut encoder) = record(engine, &ring, &numbers(2.0));
        let small = engine.storage("test", 8).unwrap();
        let scope = engine.device().push_error_scope(wgpu::ErrorFilter::Validation);
        // A copy in place is an error of the whole command buffer.
        encoder.copy_buffer_to_buffer(&small, 0, &small, 0, 8);
        let failed = engine.queue().submit([encoder.finish()]);
        assert!(pollster::block_on(scope.pop()).is_some());
        // wgpu maps the staging buffer all the same, which holds the first run.
        engine.queue().submit([]);
        let reason = reason(read(recorded.submitted(failed)));
        assert!(reason.contains("failed"), "{reason}");
        assert_eq!(read(submit(engine, &ring, &numbers(3.0))).unwrap(), numbers(3.0));
    }
}

#[test]
fn a_result_is_read_once() {
    let engine = engine();
    let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
    let mut pending = submit(engine, &ring, &numbers(1.0));
    let first = loop {
        if let Some(tensor) = pending.try_read().unwrap() {
            break tensor;
        }
    };
    assert_eq!(first, numbers(1.0));
    assert_eq!(ring.free_slots(), 1);
    let error = pending.try_read().unwrap_err();
    assert!(error.to_string().contains("read before"), "{error}");
    assert!(reason(pending.wait()).contains("read before"));
    assert_eq!(ring.free_slots(), 1);
}

/// Numbers of runs begin again after 255; every run is its own.
#[test]
fn a_slot_serves_many_runs() {
    let engine = engine();
    let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
    for run in 0..600 {
        let from = run as f32;
        assert_eq!(WAYS[run % 3](submit(engine, &ring, &numbers(from))).unwrap(), numbers(from), "run {run}");
    }
}

/// One thread's poll maps what another thread waits for, and calls back a little later: the slot must be free by then.
#[test]
fn threads_do_not_take_each_others_answers() {
    let engine = engine();
    thread::scope(|scope| {
        for at in 0..4 {
            scope.spawn(move || {
                let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
                for run in 0..150 {
                    let from = (at * 1000 + run) as f32;
                    let pending = submit(engine, &ring, &numbers(from));
                    assert_eq!(WAYS[(at + run) % 3](pending).unwrap(), numbers(from));
                }
            });
        }
    });
}

/// Wakes a thread that sleeps until then.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn a_future_is_polled_when_there_is_something_to_see() {
    let engine = engine();
    // Some work, so that the result is not there at once.
    let x = Tensor::from_f32(&[1, 64, 112, 112], vec![1.0; 64 * 112 * 112]).unwrap();
    let op = Op::from(Pool::max([13, 13]));
    let plan = engine.plan(&op, &[x.desc()]).unwrap();
    let output = engine.tensor_buffer("test", plan.problem.outputs[0].buffer_size()).unwrap();
    let input = engine.upload("test", &x).unwrap();
    let binding = engine.prepare(&plan).unwrap().bind(&[input.slice(..)], &[output.slice(..)]).unwrap();
    let ring = Readback::new(engine, &plan.problem.outputs[0], 1).unwrap();
    let mut encoder = engine.device().create_command_encoder(&Default::default());
    for _ in 0..10 {
        binding.encode(&mut encoder.begin_compute_pass(&Default::default()));
    }
    let recorded = ring.record(&mut encoder, output.slice(..)).unwrap();
    let pending = recorded.submitted(engine.queue().submit([encoder.finish()]));

    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(pending.read());
    let mut polls = 1;
    let result = loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => break result,
            Poll::Pending => thread::park(),
        }
        polls += 1;
    };
    assert!(result.unwrap().as_f32().unwrap().iter().all(|&v| v == 1.0));
    println!("polled {polls} times");
    assert!(polls <= 4, "polled {polls} times");
}

/// Where no thread can be started, the future must end all the same. Rust asks the system for threads with the stack of
/// `RUST_MIN_STACK`, which Linux refuses if it is larger than any address space.
#[cfg(target_os = "linux")]
#[test]
fn a_future_ends_without_threads() {
    const CHILD: &str = "WGPOOL_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        assert!(thread::Builder::new().spawn(|| ()).is_err(), "threads can be started");
        let engine = engine();
        let ring = Readback::new(engine, &TensorDesc::f32([4]), 1).unwrap();
        for run in 0..20 {
            let pending = submit(engine, &ring, &numbers(run as f32));
            assert_eq!(pollster::block_on(pending.read()).unwrap(), numbers(run as f32));
        }
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_future_ends_without_threads", "--test-threads=1", "--nocapture"])
        .env(CHILD, "1")
        .env("RUST_MIN_STACK", (1u64 << 48).to_string())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && out.contains("1 passed"), "{out}{err}");
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
        assert!(rounds < 1_000_000, "the futures make no progress");
        // Rounds without a rest would count how fast they are polled instead.
        std::thread::sleep(std::time::Duration::from_micros(100));
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
