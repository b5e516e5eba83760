//! What the test files share: which adapter they run on, and how a result is judged.

// A test that cannot go on fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::verify;
use crate::verify::random::{Case, Family, Rng};
use wgpool::host::{self, Simd};
use wgpool::kernel::{self, KernelKey};
use wgpool::plan::Kernels;
use wgpool::{Backend, Choice, Engine, Error, Op, Plan, Problem, Tensor, TensorDesc, reference};

/// The engine that tests run on: the adapter that `WGPOOL_TEST_ADAPTER` names (as `--adapter` does), else hardware,
/// else software; with `WGPOOL_TEST_COOPERATIVE`, with cooperative matrices. Without any adapter the test fails: a silent pass would prove nothing.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let choices = match std::env::var("WGPOOL_TEST_ADAPTER") {
            Ok(name) => vec![name.parse::<Choice>().unwrap()],
            Err(_) => vec![Choice::Gpu, Choice::Software],
        };
        let mut reasons = Vec::new();
        for choice in &choices {
            match Backend::open(choice).map(|opened| opened.backend) {
                Ok(Backend::Gpu(engine)) => {
                    println!("testing on {}", engine.adapter_name());
                    return cooperative(choice).or_else(|| limited(choice)).unwrap_or(engine);
                }
                Ok(other) => panic!("the tests need an adapter, {} is none", other.name()),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        panic!("no adapter to test on: {}", reasons.join("; "));
    })
}

/// An engine with cooperative matrices, if `WGPOOL_TEST_COOPERATIVE` asks for them; the adapter must have them then.
fn cooperative(choice: &Choice) -> Option<Engine> {
    std::env::var_os("WGPOOL_TEST_COOPERATIVE")?;
    // SAFETY: who sets the variable accepts what wgpu says of experimental features.
    let token = unsafe { wgpu::ExperimentalFeatures::enabled() };
    let engine = wgpool::engine::open_cooperative(choice, token).unwrap();
    println!("testing with {:?}", engine.caps().cooperative);
    Some(engine)
}

/// Bytes of a storage binding under `WGPOOL_TEST_LIMITS=1MiB`.
const SMALL_BINDING: u64 = 1 << 20;

/// An engine on a device with the limits that `WGPOOL_TEST_LIMITS` names, if it does: `downlevel` for what WebGPU's
/// downlevel defaults promise, `1MiB` for these with storage bindings of 1 MiB.
fn limited(choice: &Choice) -> Option<Engine> {
    let name = std::env::var("WGPOOL_TEST_LIMITS").ok()?;
    let mut limits = wgpu::Limits::downlevel_defaults();
    match name.as_str() {
        "downlevel" => {}
        "1MiB" => limits.max_storage_buffer_binding_size = SMALL_BINDING,
        other => panic!("WGPOOL_TEST_LIMITS is {other:?}, but downlevel and 1MiB are known"),
    }
    let software = *choice == Choice::Software;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
        .into_iter()
        .find(|a| (a.get_info().device_type == wgpu::DeviceType::Cpu) == software)
        .expect("the adapter that was found before");
    let descriptor = wgpu::DeviceDescriptor { required_limits: limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    println!("testing with {name} limits");
    Some(Engine::from_device(&device, &queue))
}

/// Whether tests run all of their cases (`WGPOOL_RANDOM=1`), not the part that finds most in the time.
pub fn all_cases() -> bool {
    std::env::var_os("WGPOOL_RANDOM").is_some_and(|value| value == "1")
}

/// The same device with plans for one that so many workgroups keep busy.
pub fn with_target_workgroups(engine: &Engine, workgroups: u32) -> Engine {
    let mut caps = engine.caps().clone();
    caps.target_workgroups = workgroups;
    engine.with_caps(caps)
}

/// The same device with plans that take these kernels alone; see [`Kernels::named`].
pub fn forced(engine: &Engine, kernels: &str) -> Engine {
    let mut caps = engine.caps().clone();
    caps.kernels = Kernels::named(kernels).unwrap();
    engine.with_caps(caps)
}

/// Numbers from -1 to 1 that look random, the same for the same seed.
pub fn numbers(shape: &[usize], seed: u32) -> Tensor {
    let count: usize = shape.iter().product();
    let value = |i: usize| {
        let bits = (i as u32).wrapping_add(seed).wrapping_mul(2_654_435_761).rotate_left(7);
        bits as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    Tensor::from_f32(shape, (0..count).map(value).collect()).expect("as many elements as the shape has")
}

/// The descriptions of tensors.
pub fn descs(inputs: &[&Tensor]) -> Vec<TensorDesc> {
    inputs.iter().map(|t| t.desc()).collect()
}

/// What the engine plans for a case.
pub fn plan(case: &Case, engine: &Engine) -> Plan {
    engine.plan(&case.op, &descs(&case.inputs.iter().collect::<Vec<_>>())).unwrap()
}

/// Whether `outputs` are what the reference computes, each element within its bound.
pub fn judge(op: &Op, inputs: &[&Tensor], outputs: &[Tensor]) -> Result<(), String> {
    let problem = Problem::new(op, &descs(inputs)).map_err(|e| e.to_string())?;
    let exact = reference::evaluate(&problem, inputs).map_err(|e| e.to_string())?;
    if exact.len() != outputs.len() {
        return Err(format!("{} outputs instead of {}", outputs.len(), exact.len()));
    }
    for (i, (exact, got)) in exact.iter().zip(outputs).enumerate() {
        if let Some(mismatch) = reference::compare(exact, got).map_err(|e| e.to_string())? {
            return Err(format!("output {i}: {mismatch}"));
        }
    }
    Ok(())
}

/// Whether one image is more than a binding of 1 MiB holds; on devices with larger ones nothing here is.
fn needs_more_than_small_bindings(error: &Error) -> bool {
    matches!(error, Error::Limit { limit: "max_storage_buffer_binding_size", needed, allowed, .. }
        if *allowed == SMALL_BINDING && needed > allowed)
}

/// Runs a case on the GPU, poisoned and guarded, and judges it.
pub fn check_gpu(engine: &Engine, case: &Case) -> Result<(), String> {
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    match verify::run_guarded(engine, &case.op, &inputs) {
        Ok(outputs) => judge(&case.op, &inputs, &outputs),
        Err(error) if needs_more_than_small_bindings(&error) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// The case, short enough to read and long enough to repeat.
pub fn describe(case: &Case) -> String {
    let shapes: Vec<_> = case.inputs.iter().map(|t| format!("{:?} {}", t.shape(), t.dtype())).collect();
    format!("{:?} on {}", case.op, shapes.join(", "))
}

/// Asserts that of the Rust files below `folder` only `native` ones, which builds for browsers leave out, use what there
/// is none of in a browser; each of them does. Returns how many files there are.
pub fn assert_native_alone(folder: &str, native: &[&str]) -> usize {
    const ABSENT: [&str; 7] =
        ["std::env", "std::fs", "std::net", "std::process", "std::thread", "std::time", "block_on("];
    let folder = Path::new(folder);
    let mut files = Vec::new();
    rust_files(folder, &mut files);
    let mut users = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
        let mut code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        if code.any(|line| ABSENT.iter().any(|word| line.contains(word))) {
            users.push(file.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/"));
        }
    }
    users.sort();
    assert_eq!(users, native);
    files.len()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// A wrong version of a kernel: what it shows on, what is wrong, which text is replaced, and how.
pub struct Mutant<T> {
    /// What it shows on.
    pub on: T,
    /// What is wrong.
    pub name: &'static str,
    /// The text that is replaced.
    pub from: &'static str,
    /// Replaces it.
    pub edit: fn(KernelKey, String) -> String,
}

/// Replaces text of every shader that has it. The text may stand for what is wrong.
#[macro_export]
macro_rules! mutant {
    ($from:literal, $to:literal) => {
        $crate::mutant!((), $from, $from, $to)
    };
    ($name:literal, $from:literal, $to:literal) => {
        $crate::mutant!((), $name, $from, $to)
    };
    ($on:expr, $name:literal, $from:literal, $to:literal) => {
        $crate::support::Mutant {
            on: $on,
            name: $name,
            from: $from,
            edit: |_: wgpool::kernel::KernelKey, source: String| source.replace($from, $to),
        }
    };
}
pub use crate::mutant;

impl<T> Mutant<T> {
    /// Whether a kernel of the plan is another: where none is, there is nothing to notice.
    pub fn changes(&self, plan: &Plan) -> bool {
        plan.steps.iter().any(|step| {
            let text = step.kernel.source();
            text.contains(self.from) && (self.edit)(step.kernel, text.clone()) != text
        })
    }
}

/// Asserts that each mutant is noticed by `notices`, which gets an engine with its shaders. Several at a time.
pub fn assert_noticed<T: std::fmt::Debug + Sync>(
    engine: &Engine,
    mutants: &[Mutant<T>],
    notices: impl Fn(&Engine, &Mutant<T>) -> bool + Sync,
) {
    let mut missing: Vec<&Mutant<T>> = mutants.iter().collect();
    for key in kernel::all() {
        if missing.is_empty() {
            break;
        }
        let text = key.source();
        missing.retain(|mutant| !text.contains(mutant.from));
    }
    let missing: Vec<_> = missing.iter().map(|m| format!("{:?}, {}: {:?}", m.on, m.name, m.from)).collect();
    assert!(missing.is_empty(), "no shader contains what is replaced:\n{}", missing.join("\n"));
    let (next, unnoticed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !notices(&engine.with_edited_shaders(mutant.edit), mutant) {
                let mut unnoticed = unnoticed.lock().unwrap_or_else(PoisonError::into_inner);
                unnoticed.push(format!("{:?}, {}", mutant.on, mutant.name));
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads().min(mutants.len())).map(|_| scope.spawn(work)).collect();
        work();
        for other in others {
            // With the message of what went wrong there.
            other.join().unwrap_or_else(|reason| std::panic::resume_unwind(reason));
        }
    });
    let unnoticed = unnoticed.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(unnoticed.is_empty(), "not noticed:\n{}", unnoticed.join("\n"));
}

/// How many threads tests may use: as many as the test runner, which has one where an adapter belongs to one thread.
fn threads() -> usize {
    let given = std::env::var("RUST_TEST_THREADS").ok().and_then(|threads| threads.parse().ok());
    given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Whether a mutant's result is wrong. One that does not run has not been noticed by its numbers.
pub fn is_wrong(mutant: &Engine, case: &Case) -> bool {
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    match verify::run_guarded(mutant, &case.op, &inputs) {
        Ok(outputs) => judge(&case.op, &inputs, &outputs).is_err(),
        Err(Error::Buffer { .. }) => true,
        Err(Error::TooLarge { .. }) => false,
        Err(error) if needs_more_than_small_bindings(&error) => false,
        Err(error) => panic!("{}: {error}", describe(case)),
    }
}

/// A random case that the engine's device can bind: where `WGPOOL_TEST_LIMITS` makes it a small one, another is drawn in place of
/// what its limits refuse (large tensors, PReLU's slope where four buffers are all that a kernel may have).
pub fn case(engine: &Engine, family: Family, rng: &mut Rng) -> Case {
    let is_small = std::env::var_os("WGPOOL_TEST_LIMITS").is_some();
    for _ in 0..100 {
        let case = family.case(rng, engine.caps().f16);
        let descs: Vec<TensorDesc> = case.inputs.iter().map(Tensor::desc).collect();
        let refused = || matches!(Plan::new(&case.op, &descs, engine.caps()), Err(Error::Limit { .. }));
        if !is_small || !refused() {
            return case;
        }
    }
    panic!("the limits of {} refuse all cases of {family:?}", engine.adapter_name());
}

/// Runs `check` with each kind of registers that this machine has, one after the other: what it runs on other machines is tested here too.
/// One check at a time, since the limit is the process's.
pub fn at_each_simd(mut check: impl FnMut(Simd)) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    for most in [Simd::Baseline, Simd::Avx2, Simd::Avx512] {
        if host::limit_simd(most) == most {
            check(most);
        }
    }
}
