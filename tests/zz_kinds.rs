//! Long runs: memory that does not grow, and threads that share an engine.
//!
//! `WGPOOL_SOAK=1 cargo test --release --test soak -- --nocapture` runs the full length, a few minutes: 200,000
//! operations of one kind and 200,000 of every kind in turn, a model's layers among them. What the process takes grows
//! by less than 1 MiB after the first thousand on llvmpipe. SwiftShader's own threads settle more slowly (about
//! 2 MiB), so growth there is counted from the first 20,000 on.
//!
//! One thing is shown instead: transposed convolutions of volumes on Mesa 22's llvmpipe. Wherever a command buffer
//! sets that pipeline, this driver clones its shader and compiles it again to put uniforms into it
//! (`update_inline_shader_state` of lavapipe) and keeps the clone, about 270 KiB, as long as the pipeline lives. On
//! wgpu alone, without this crate, it does the same with the same shader.

use wgpool_testing::fuzz;
use wgpool_testing::support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wgpool::{Backend, Binding, Choice, Engine, Op, Problem, Tensor};
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

/// Whether the operation is a transposed convolution along three axes.
fn transposes_volumes(case: &Case) -> bool {
    matches!(case.op, Op::ConvTranspose(_)) && case.inputs[0].shape().len() == 5
}

/// A small case of the family that is `fit`, with work to do.
fn case(family: Family, fit: impl Fn(&Case) -> bool) -> Case {
    let mut rng = Rng::new(7);
    let busy = |case: &Case| {
        let problem = Problem::new(&case.op, &support::descs(&tensors(case))).unwrap();
        problem.outputs.iter().all(|output| output.elements() > 0)
    };
    let mut cases = (0..100).map(|_| family.case(&mut rng, false));
    cases.find(|case| busy(case) && fit(case)).expect("one of a hundred")
}

/// One small case of every family.
fn cases() -> Vec<Case> {
    Family::ALL.into_iter().map(|family| case(family, |case| !transposes_volumes(case))).collect()
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

fn bind_again(engine: &Engine, case: &Case) -> Binding { bind(engine, case) }

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
fn kinds() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let engine = engine().with_edited_shaders(edit);
    let only = std::env::var("ONLY").unwrap_or_default();
    let seeds: u64 = std::env::var("SEEDS").map_or(3, |s| s.parse().unwrap());
    let first = bind(&engine, &cases()[0]);
    for family in Family::ALL {
        if !only.is_empty() && !only.split(',').any(|name| name == format!("{family:?}")) { continue }
        let mut rng = Rng::new(7);
        for i in 0..seeds {
            let case = family.case(&mut rng, false);
            let Ok(problem) = Problem::new(&case.op, &support::descs(&tensors(&case))) else { continue };
            if problem.outputs.iter().any(|o| o.elements() == 0) { continue }
            let plan = engine.plan(&case.op, &support::descs(&tensors(&case))).unwrap();
            let pair = [bind(&engine, &case), bind_again(&engine, &case), first.clone()];
            encode(&engine, &pair, None, 100);
            let before = resident().unwrap();
            encode(&engine, &pair, None, 200);
            let grown = resident().unwrap().saturating_sub(before);
            if grown > 200 {
                println!("GROWS {grown} {family:?} {i} {} :: {}", describe(&case), plan.explain().to_string().replace('\n', " | "));
            }
        }
    }
}

fn edit(_: wgpool::kernel::KernelKey, source: String) -> String {
    let Ok(file) = std::env::var("EDITS") else { return source };
    let text = std::fs::read_to_string(file).unwrap();
    let mut source = source;
    for part in text.split("<<<\n").skip(1) {
        let (from, to) = part.split_once("===\n").unwrap();
        let to = to.split_once(">>>").unwrap().0;
        source = source.replace(from, to);
    }
    if let Ok(dump) = std::env::var("DUMP") { let _ = std::fs::write(dump, &source); }
    source
}
