//! Huge windows, strides, dilations and paddings on tiny inputs: what is copied and computed follows the tensors, and the
//! taps that lie on them.

mod draw;

use std::collections::BTreeMap;

use wgpool::plan::PAGE;
use wgpool::problem::Work;
use wgpool::reference::{compare, evaluate};
use wgpool::{Backend, Plan, Problem, Tensor, TensorDesc, host};
use wgpool_testing::verify::random::Rng;

use crate::fuzz::{count, peak};
use draw::Draw;

/// A path may have so many times the bytes of all tensors at once, and so many beside.
const HOST: usize = 64;
const REFERENCE: usize = 24;
const BESIDE: usize = 256 << 10;
/// The same of the memory that plans ask for.
const PLAN: u64 = 40;
const PAGES: u64 = 4 * PAGE;

/// Bytes of what goes in and comes out, and of the tensor between two operations.
fn bytes(problem: &Problem) -> usize {
    let between = match &problem.work {
        Work::ConvPool(work) => work.between.bytes(),
        Work::Deform(work) => work.samples.bytes(),
        _ => 0,
    };
    problem.inputs.iter().chain(&problem.outputs).map(TensorDesc::bytes).sum::<usize>() + between
}

/// The largest share of its bound that a path's memory had, and how often paths were taken.
#[derive(Debug, Default)]
struct Seen {
    cases: usize,
    inside_alone: usize,
    plans: usize,
    refused: BTreeMap<String, usize>,
    /// Bytes, beyond those that are always allowed, to a byte of the tensors.
    most: BTreeMap<&'static str, f64>,
    most_of_plans: f64,
}

impl Seen {
    fn check(
        &mut self,
        path: &'static str,
        peak: usize,
        bytes: usize,
        times: usize,
        what: &dyn Fn() -> String,
    ) {
        let most = self.most.entry(path).or_default();
        *most = most.max(peak.saturating_sub(BESIDE) as f64 / bytes as f64);
        assert!(peak <= times * bytes + BESIDE, "{path}: {peak} bytes for tensors of {bytes}: {}", what());
    }
}

/// Says in which case something panicked.
struct Named<'a>(&'a dyn Fn() -> String);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in {}", (self.0)());
        }
    }
}

#[test]
fn memory_follows_the_tensors_whatever_lies_outside() {
    /// Elements of outputs: work is by them, and the taps inside.
    const MOST: usize = 4_000;
    const MOST_WIDE: usize = 40_000;
    // Whose only thread is this one, so that all memory is counted.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
    let mut draw = Draw { rng: Rng::new(0x6f75_7473), wide: 1 };
    let mut seen = Seen::default();
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    while seen.cases < count(10_000) {
        draw.wide = if draw.rng.one_in(12) { 16 } else { 1 };
        let (op, descs) = draw.case();
        let Ok(problem) = Problem::new(&op, &descs) else { continue };
        let of_outputs: usize = problem.outputs.iter().map(TensorDesc::elements).sum();
        let of_inputs: usize = problem.inputs.iter().map(TensorDesc::elements).sum();
        let most = if draw.wide > 1 { MOST_WIDE } else { MOST };
        if of_outputs > most || of_inputs > 4 * most || bytes(&problem) > 1 << 20 {
            continue;
        }
        seen.cases += 1;
        *kinds.entry(problem.op).or_default() += 1;
        let what = || format!("{op:?} on {descs:?}");
        let _named = Named(&what);
        let bytes = bytes(&problem);
        let why = Backend::Host.explain(&op, &descs).unwrap().steps[0].why;
        seen.inside_alone += usize::from(why.contains("the taps inside alone"));

        let caps = draw.caps();
        let (plan, peak_of_plan) = peak(|| Plan::of(problem.clone(), &caps));
        // Of numbers alone.
        assert!(peak_of_plan <= 4 << 20, "{peak_of_plan} bytes for a plan: {}", what());
        match plan {
            Ok(plan) => {
                seen.plans += 1;
                let memory: u64 = plan.scratch.iter().chain(&plan.packed).sum();
                let most = PLAN * bytes as u64 + PAGES;
                seen.most_of_plans =
                    seen.most_of_plans.max(memory.saturating_sub(PAGES) as f64 / bytes as f64);
                assert!(memory <= most, "{memory} bytes on the GPU for tensors of {bytes}: {}", what());
            }
            Err(error) => {
                *seen.refused.entry(format!("{error:?}").chars().take(40).collect()).or_default() += 1
            }
        }

        let tensors = draw.tensors(&problem);
        let inputs: Vec<&Tensor> = tensors.iter().collect();
        let (exact, of_reference) = peak(|| evaluate(&problem, &inputs).unwrap());
        seen.check("reference", of_reference, bytes, REFERENCE, &what);
        let (got, of_host) = pool.install(|| peak(|| host::compute(&problem, &inputs).unwrap()));
        seen.check("host", of_host, bytes, HOST, &what);
        for (exact, got) in exact.iter().zip(&got) {
            let difference = compare(exact, got).unwrap();
            assert!(difference.is_none(), "{}: {}", difference.unwrap(), what());
        }
    }
    println!("{seen:?}\n{kinds:?}");
    assert!(kinds.len() >= 14, "{kinds:?}");
    assert!(seen.inside_alone > seen.cases / 10 && seen.inside_alone < seen.cases, "{seen:?}");
    assert!(seen.refused.is_empty(), "{seen:?}");
}
