//! Long runs: memory that does not grow, and threads that share an engine.
//!
//! `WGPOOL_SOAK=1 cargo test --release --test soak -- --nocapture` runs the full length, a few minutes: 200,000
//! operations of one kind and 200,000 of every kind in turn, a model's layers among them. What the process takes grows
//! by less than 1 MiB after the first thousand on llvmpipe. SwiftShader's own threads settle more slowly (about
//! 2 MiB), so growth there is counted from the first 20,000 on.
//!
//! Mesa 22's llvmpipe builds a shader anew for each recording, and keeps it, where loops or branches depend on parameters
//! alone (`update_inline_shader_state` of lavapipe): `no_kernel_keeps_a_shader_of_each_recording` finds such kernels.

use wgpool_testing::fuzz;
use wgpool_testing::support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wgpool::{Backend, Binding, Choice, Engine, Problem, Tensor};
use wgpool_net::{Session, keras};
use wgpool_testing::support::{check_gpu, describe, judge};
use wgpool_testing::verify::random::{Case, Family, Rng};

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

/// The first cases of a family that have work to do.
fn some_of(family: Family, count: usize) -> Vec<Case> {
    let mut rng = Rng::new(7);
    let busy = |case: &Case| {
        let problem = Problem::new(&case.op, &support::descs(&tensors(case))).unwrap();
        problem.outputs.iter().all(|output| output.elements() > 0)
    };
    let cases: Vec<_> = (0..100).map(|_| family.case(&mut rng, false)).filter(busy).take(count).collect();
    assert_eq!(cases.len(), count, "{family:?}");
    cases
}

/// One small case of every family.
fn cases() -> Vec<Case> {
    Family::ALL.into_iter().flat_map(|family| some_of(family, 1)).collect()
}

/// The MNIST model, which records its layers.
fn session(engine: &Engine) -> Session {
    let file = |name| std::fs::read(format!("{}/data/mnist/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let config = String::from_utf8(file("config.json")).unwrap();
    let model = keras::from_config(&config, &file("weights.safetensors")).unwrap();
    Session::compile(&Backend::Gpu(engine.clone()), model.program(1).unwrap()).unwrap()
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

/// Records `count` operations, fifty to a submission, and waits for each submission; the session counts as one.
fn encode(engine: &Engine, bindings: &[Binding], session: Option<&Session>, count: usize) {
    let mut all = bindings.iter().map(Some).chain(session.map(|_| None)).cycle();
    for _ in 0..count / 50 {
        let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut left = 50;
        while left > 0 {
            // The session makes a pass of its own.
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            let mut recorded = 0;
            all.by_ref().take(left).map_while(|binding| binding).for_each(|binding| {
                binding.encode(&mut pass);
                recorded += 1;
            });
            drop(pass);
            left -= recorded;
            if let (1.., Some(session)) = (left, session) {
                session.encode(&mut encoder).unwrap();
                left -= 1;
            }
        }
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
    let resident = grown.map_or("not known".to_owned(), |kib| format!("+{kib} KiB"));
    println!(
        "{what}: {count} operations in {seconds:.1} s, after {first} resident {resident}, heap {heap:+} bytes"
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
    let session = session(&engine);
    let (encoded, runs) = if full() { (200_000, 20_000) } else { (2_000, 750) };
    let steady = |(grown, heap): (Option<u64>, isize)| {
        assert!(grown.is_none_or(|kib| kib < MOST_KIB) && heap < 1 << 20);
    };
    let info = engine.device().adapter_info();
    let first = if full() && info.name.contains("SwiftShader") { 20_000 } else { 1_000 };
    steady(growth("one binding", first, encoded, |n| encode(&engine, &bindings[..1], None, n)));
    let pipelines = engine.pipeline_count();
    steady(growth("every kind in turn", first, encoded, |n| encode(&engine, &bindings, Some(&session), n)));
    steady(growth("whole runs", runs / 5, runs, |n| run(&engine, &cases, n)));
    assert_eq!(engine.pipeline_count(), pipelines, "every pipeline was there");

    for case in &cases {
        check_gpu(&engine, case).unwrap_or_else(|e| panic!("{}: {e}", describe(case)));
    }
}

/// Bound twice, so that parameters change from recording to recording.
#[test]
fn no_kernel_keeps_a_shader_of_each_recording() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = engine();
    let other = bind(&engine, &cases()[0]);
    for family in Family::ALL {
        for case in some_of(family, if full() { 8 } else { 4 }) {
            let bindings = [bind(&engine, &case), bind(&engine, &case), other.clone()];
            encode(&engine, &bindings, None, 100);
            let before = resident();
            encode(&engine, &bindings, None, 200);
            let grown = before.zip(resident()).map(|(before, after)| after.saturating_sub(before));
            // A shader takes 100 KiB and more.
            assert!(grown.is_none_or(|kib| kib < 5 * MOST_KIB), "+{grown:?} KiB: {}", describe(&case));
        }
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
