//! Long runs: memory that does not grow, and threads that share an engine.
//!
//! `WGPOOL_SOAK=1 cargo test --release --test soak -- --nocapture` runs the full length, a few minutes.
#![cfg(feature = "cli")]

#[path = "support/fuzz.rs"]
mod fuzz;
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use support::{check_gpu, describe, judge};
use wgpool::verify::random::{Case, Family, Rng};
use wgpool::{Backend, Binding, Choice, Engine, Tensor};

#[global_allocator]
static ALLOCATOR: fuzz::Counting = fuzz::Counting;

/// One at a time: a test's memory is that of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn full() -> bool {
    std::env::var_os("WGPOOL_SOAK").is_some_and(|value| value == "1")
}

/// A software adapter, which runs in this process; without one, whatever the other tests run on.
fn engine() -> Engine {
    match Backend::open(&Choice::Software).map(|opened| opened.backend) {
        Ok(Backend::Gpu(engine)) => engine,
        _ => support::engine().clone(),
    }
}

/// KiB of this process that are in memory; `None` where the system does not say.
fn resident() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        println!("resident memory is only known on Linux: its growth is not checked here");
        return None;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Some(line.trim().trim_end_matches(" kB").parse().unwrap())
}

/// One small case of every family.
fn cases() -> Vec<Case> {
    let mut rng = Rng::new(7);
    Family::ALL.into_iter().map(|family| family.case(&mut rng, false)).collect()
}

fn tensors(case: &Case) -> Vec<&Tensor> {
    case.inputs.iter().collect()
}

fn bind(engine: &Engine, case: &Case) -> Binding {
    let plan = engine.plan(&case.op, &support::descs(&tensors(case))).unwrap();
    let inputs: Vec<_> = case.inputs.iter().map(|t| engine.upload("soak", t).unwrap()).collect();
    let sizes = plan.problem.outputs.iter().map(|desc| desc.buffer_size());
    let outputs: Vec<_> = sizes.map(|size| engine.storage("soak", size).unwrap()).collect();
    engine
        .prepare(&plan)
        .unwrap()
        .bind(
            &inputs.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
            &outputs.iter().map(|b| b.slice(..)).collect::<Vec<_>>(),
        )
        .unwrap()
}

/// Records `count` operations, fifty to a submission, and waits for each submission.
fn encode(engine: &Engine, bindings: &[Binding], count: usize) {
    let mut all = bindings.iter().cycle();
    for _ in 0..count / 50 {
        let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        all.by_ref().take(50).for_each(|binding| binding.encode(&mut pass));
        drop(pass);
        engine.queue().submit([encoder.finish()]);
        engine.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    }
}

/// Plans, prepares, uploads, binds, runs and reads back, `count` times in all.
fn run(engine: &Engine, cases: &[Case], count: usize) {
    for case in cases.iter().cycle().take(count) {
        engine.run(&case.op, &tensors(case)).unwrap();
    }
}

/// What memory grew by after the first of `count` operations: KiB of the process, and bytes of Rust's own heap.
fn growth(what: &str, first: usize, count: usize, mut work: impl FnMut(usize)) -> (Option<u64>, isize) {
    let start = Instant::now();
    work(first);
    let (before, heap) = (resident(), fuzz::live());
    work(count - first);
    let heap = fuzz::live() - heap;
    let grown = before.zip(resident()).map(|(before, after)| after.saturating_sub(before));
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{what}: {count} operations in {seconds:.1} s, after {first} resident +{grown:?} KiB, heap {heap:+} bytes"
    );
    (grown, heap)
}

/// Most KiB that a long run may add to what the first operations took.
const MOST_KIB: u64 = 1024;

#[test]
fn memory_does_not_grow() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = engine();
    println!("on {}", engine.adapter_name());
    let cases = cases();
    let bindings: Vec<Binding> = cases.iter().map(|case| bind(&engine, case)).collect();
    // One binding over and over: the whole process stays as it is.
    let (encoded, mixed) = if full() { (200_000, 10_000) } else { (2_000, 1_500) };
    let (grown, heap) = growth("one binding", 1_000, encoded, |n| encode(&engine, &bindings[..1], n));
    assert!(grown.is_none_or(|kib| kib < MOST_KIB) && heap < 1 << 20);
    // Bindings of every kind in turn, and whole runs: Rust's heap stays as it is. With Mesa 22.3's llvmpipe the
    // process grows all the same where pipelines change, so what the process takes is only shown.
    let (_, heap) = growth("every binding in turn", 1_000, mixed, |n| encode(&engine, &bindings, n));
    assert!(heap < 1 << 20);
    let pipelines = engine.pipeline_count();
    let (_, heap) = growth("whole runs", mixed / 10, mixed / 2, |n| run(&engine, &cases, n));
    assert!(heap < 1 << 20);
    assert_eq!(engine.pipeline_count(), pipelines, "every pipeline was there");
    for case in &cases {
        check_gpu(&engine, case).unwrap_or_else(|e| panic!("{}: {e}", describe(case)));
    }
}

#[test]
fn threads_on_one_engine() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = engine();
    let time = Duration::from_secs(if full() { 120 } else { 2 });
    let start = Instant::now();
    let checked = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let (engine, checked) = (&engine, &checked);
            scope.spawn(move || {
                let mut rng = Rng::new(seed);
                while start.elapsed() < time {
                    let family = Family::ALL[rng.between(0, Family::ALL.len() - 1)];
                    let case = family.case(&mut rng, engine.caps().f16);
                    let inputs = tensors(&case);
                    let outputs = engine.run(&case.op, &inputs).unwrap();
                    judge(&case.op, &inputs, &outputs).unwrap_or_else(|e| panic!("{}: {e}", describe(&case)));
                    checked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let checked = checked.into_inner();
    println!("eight threads: {checked} results checked in {:.1} s", start.elapsed().as_secs_f64());
    assert!(checked >= 8);
}
