//! Running a corpus, and the check that needs none.

use std::path::Path;
use std::time::Instant;

use super::array::Array;
use super::case::{self, Fault, Outcome, Verdict};
use super::judge::Worst;
use super::random::{Family, Rng};
use super::report::Report;
use super::{manifest, run_guarded};
use wgpool::backend::Backend;
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::reference;
use wgpool::tensor::{Tensor, TensorDesc};

/// Runs every case of the corpus in `dir`, in the format of ONNX, PyTorch or backward cases.
///
/// A result must be what the corpus says and lie within the bounds of the reference, and the reference must agree
/// with the corpus too. On a GPU each case also runs at another offset, in poisoned memory with guards around it.
/// `progress` hears how many cases are done, and of how many.
///
/// # Errors
/// [`Error::File`](wgpool::Error::File) and [`Error::Document`](wgpool::Error::Document) if the manifest cannot be
/// read. What is wrong with a case is in the report.
pub fn run_corpus(dir: &Path, backend: &Backend, mut progress: impl FnMut(usize, usize)) -> Result<Report> {
    let cases = manifest::read(dir)?;
    Ok(timed(backend, |report| {
        for (done, case) in cases.iter().enumerate() {
            progress(done, cases.len());
            report.add(&case.name, &case.op, case::run(dir, case, backend));
        }
    }))
}

/// Runs `count` random cases of every family of operations against the reference, the same for the same seed.
///
/// On the reference itself this only shows that the cases are legal.
pub fn self_check(
    seed: u64,
    count: usize,
    backend: &Backend,
    mut progress: impl FnMut(usize, usize),
) -> Report {
    let f16 = match backend {
        Backend::Gpu(engine) => engine.caps().f16,
        _ => true,
    };
    let eager = eager(backend);
    let mut report = timed(backend, |report| {
        for (number, family) in Family::ALL.into_iter().enumerate() {
            // Each family has numbers of its own, so that its cases do not depend on the others.
            let mut rng = Rng::new(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            for i in 0..count {
                progress(number * count + i, count * Family::ALL.len());
                let case = family.case(&mut rng, f16);
                let backend = if family == Family::ConvTile { &eager } else { backend };
                let verdict = random_verdict(backend, &case).unwrap_or_else(|error| match error {
                    Error::Kernel { .. } => Verdict::Unsupported(error.to_string()),
                    error => Verdict::Failed(Fault {
                        what: "it was refused",
                        worst: None,
                        reason: Some(error.to_string()),
                    }),
                });
                report.add(
                    &format!("{i}: {:?}", case.op),
                    family.name(),
                    Outcome { verdict, converted: false, flushed: false },
                );
            }
        }
    });
    report.seed = Some(seed);
    report
}

/// A backend that takes the algorithms that a convolution by tile permits wherever it can, whether or not they are
/// reckoned to be faster.
fn eager(backend: &Backend) -> Backend {
    match backend {
        Backend::Gpu(engine) => {
            let mut caps = engine.caps().clone();
            (caps.flops_per_byte, caps.flops_per_dispatch) = (0, 0);
            Backend::Gpu(engine.with_caps(caps))
        }
        other => other.clone(),
    }
}

fn random_verdict(backend: &Backend, case: &super::random::Case) -> Result<Verdict> {
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    let outputs = match backend {
        Backend::Gpu(engine) => run_guarded(engine, &case.op, &inputs)?,
        other => other.run(&case.op, &inputs)?,
    };
    let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    let exact = reference::evaluate(&Problem::new(&case.op, &descs)?, &inputs)?;
    for (number, (exact, got)) in exact.iter().zip(&outputs).enumerate() {
        if let Some(mismatch) = reference::compare(exact, got)? {
            let shapes: Vec<String> = descs.iter().map(|d| format!("{:?} {}", d.shape, d.dtype)).collect();
            return Ok(Verdict::Failed(Fault {
                what: "the result and the reference disagree",
                worst: Some(Worst::of(number, got, &mismatch)),
                reason: Some(format!("inputs {}", shapes.join(", "))),
            }));
        }
    }
    Ok(Verdict::Passed)
}

impl Worst {
    /// A mismatch with the reference.
    pub(super) fn of(number: usize, got: &Tensor, mismatch: &reference::Mismatch) -> Worst {
        let shape = Array::unknown(super::array::Element::F32, got.shape());
        Worst {
            output: format!("output {number}"),
            at: shape.position(mismatch.at),
            expected: mismatch.expected,
            got: mismatch.got,
            bound: mismatch.bound,
            count: mismatch.count,
        }
    }
}

/// A report with the time and the pipelines that `fill` took.
fn timed(backend: &Backend, fill: impl FnOnce(&mut Report)) -> Report {
    let pipelines = || match backend {
        Backend::Gpu(engine) => engine.pipeline_count(),
        _ => 0,
    };
    let (start, before) = (Instant::now(), pipelines());
    let mut report = Report { backend: backend.name(), ..Report::default() };
    fill(&mut report);
    report.seconds = start.elapsed().as_secs_f64();
    report.pipelines = pipelines() - before;
    report
}
