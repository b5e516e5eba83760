//! One case of a corpus, from its tensors to a verdict.

use std::path::Path;

use super::array::Array;
use super::call::{Call, Passage, Refusal};
use super::judge::{self, Rules, Worst};
use super::load::{Tensors, load};
use super::manifest::{Case, Expectation, Source};
use super::{flushed, gradients, onnx, run_guarded, torch};
use wgpool::backend::Backend;
use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::reference;
use wgpool::tensor::Tensor;

/// What was found out about a case.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is right.
    Passed,
    /// It is wrong.
    Failed(Fault),
    /// It cannot be computed here, for this reason.
    Unsupported(String),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// What disagrees with what.
    pub what: &'static str,
    /// The worst element, if the shapes agree.
    pub worst: Option<Worst>,
    /// What else there is to say.
    pub reason: Option<String>,
}

/// A verdict, and what it took.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether tensors went in as another type that holds the same values.
    pub converted: bool,
    /// Whether an index named another of several subnormal numbers, which the device takes for equal.
    pub flushed: bool,
}

impl Outcome {
    /// A verdict on tensors as they are.
    pub fn of(verdict: Verdict) -> Outcome {
        Outcome { verdict, converted: false, flushed: false }
    }
}

impl Fault {
    /// A fault in words.
    pub fn of(what: &'static str, reason: impl Into<String>) -> Fault {
        Fault { what, worst: None, reason: Some(reason.into()) }
    }
}

/// Runs `case` of the corpus in `dir`.
pub fn run(dir: &Path, case: &Case, backend: &Backend) -> Outcome {
    let mut run =
        Run { backend, fault: None, exact: vec![], or_nan: vec![], converted: false, flushed: false };
    let verdict = run.verdict(dir, case);
    Outcome { verdict, converted: run.converted, flushed: run.flushed }
}

struct Run<'a> {
    backend: &'a Backend,
    /// The first disagreement inside the library.
    fault: Option<Fault>,
    /// What the reference computed for each call.
    exact: Vec<Vec<Tensor>>,
    /// Where the first output of each call may be NaN as well: see [`reference::Exact::or_nan`].
    or_nan: Vec<Vec<bool>>,
    converted: bool,
    flushed: bool,
}

impl Run<'_> {
    fn verdict(&mut self, dir: &Path, case: &Case) -> Verdict {
        if let Source::Onnx { nodes, .. } = &case.source
            && let Some(op) = onnx::unknown_operator(nodes)
        {
            return Verdict::Unsupported(format!("{op} is not an operation of this library"));
        }
        if case.inputs.iter().chain(&case.outputs).any(|port| port.element.is_none()) {
            return Verdict::Unsupported("a tensor has a type that cannot be read".into());
        }
        let tensors = match load(dir, case) {
            Ok(tensors) => tensors,
            Err(error) => return failed("the case cannot be read", error.to_string()),
        };
        if case.expectation == Expectation::Refusal {
            return refusal(case, &tensors);
        }
        let mut results = match evaluate(case, &tensors, |call| self.compute(call)) {
            Ok(results) => results,
            Err(refusal) => return stopped(refusal),
        };
        if let ([or_nan], Some(got), Some(expected)) =
            (self.or_nan.as_slice(), results.first_mut(), tensors.outputs.first())
        {
            judge::accept_nan(or_nan, expected, got);
        }
        if let Some(fault) = self.fault.take() {
            return Verdict::Failed(fault);
        }
        let flushes = matches!(self.backend, Backend::Gpu(_));
        let rules = Rules { expectation: case.expectation, flushes };
        if let Some(fault) = compare("the result and the corpus disagree", rules, case, &tensors, &results) {
            return Verdict::Failed(fault);
        }
        self.check_reference(case, &tensors, Rules { flushes: false, ..rules })
    }

    /// One call on the backend, checked against the reference.
    fn compute(&mut self, call: &Call) -> Result<Vec<Array>, Refusal> {
        let f16 = match self.backend {
            Backend::Gpu(engine) => engine.caps().f16,
            _ => true,
        };
        let (problem, passage) = call.problem(f16)?;
        let tensors = call.tensors(&passage)?;
        let inputs: Vec<&Tensor> = tensors.iter().collect();
        self.converted |= !matches!(passage, Passage::Native(_));
        let mut outputs = self.backend.run(&call.op, &inputs)?;
        if let Backend::Gpu(engine) = self.backend {
            let guarded = run_guarded(engine, &call.op, &inputs)?;
            if self.fault.is_none() && !outputs.iter().zip(&guarded).all(|(a, b)| same(a, b)) {
                self.fault = Some(Fault {
                    what: "a run at another offset, in poisoned memory, gives another result",
                    worst: None,
                    reason: None,
                });
            }
        }
        let exact = reference::evaluate(&problem, &inputs)?;
        if let (Backend::Gpu(_), Some(x)) = (self.backend, inputs.first()) {
            self.flushed |= flushed::settle_indices(&problem, x, &exact, &mut outputs) > 0;
        }
        for (number, (exact, got)) in exact.iter().zip(&outputs).enumerate() {
            let mismatch = reference::compare(exact, got)?;
            if let (Some(m), None) = (mismatch, &self.fault) {
                let worst = Worst::of(number, got, &m);
                let what = "the result and the reference disagree";
                self.fault = Some(Fault { what, worst: Some(worst), reason: None });
            }
        }
        self.or_nan.push(exact.first().map(|first| first.or_nan.clone()).unwrap_or_default());
        self.exact.push(exact.iter().map(reference::Exact::to_tensor).collect::<Result<_>>()?);
        Ok(call.results(outputs, &passage))
    }

    /// Whether the reference itself agrees with the corpus.
    fn check_reference(&mut self, case: &Case, tensors: &Tensors, rules: Rules) -> Verdict {
        // What was computed for the only call need not be computed again.
        let mut known = std::mem::take(&mut self.exact);
        let mut known = if known.len() == 1 { known.pop() } else { None };
        let results = evaluate(case, tensors, |call| {
            let (_, passage) = call.problem(true)?;
            let outputs = match known.take() {
                Some(outputs) => outputs,
                None => {
                    let tensors = call.tensors(&passage)?;
                    reference::run(&call.op, &tensors.iter().collect::<Vec<_>>())?
                }
            };
            Ok(call.results(outputs, &passage))
        });
        let mut results = match results {
            Ok(results) => results,
            Err(refusal) => return stopped(refusal),
        };
        if let ([or_nan], Some(got), Some(expected)) =
            (self.or_nan.as_slice(), results.first_mut(), tensors.outputs.first())
        {
            judge::accept_nan(or_nan, expected, got);
        }
        match compare("the reference and the corpus disagree", rules, case, tensors, &results) {
            Some(fault) => Verdict::Failed(fault),
            None => Verdict::Passed,
        }
    }
}

fn failed(what: &'static str, reason: String) -> Verdict {
    Verdict::Failed(Fault { what, worst: None, reason: Some(reason) })
}

/// The verdict on a case that was to be computed and was not.
fn stopped(refusal: Refusal) -> Verdict {
    match refusal {
        Refusal::Unsupported(reason) => Verdict::Unsupported(reason),
        // Types that no kernel takes, what this device cannot hold, and what kernels that were asked for cannot compute.
        Refusal::Error(
            error @ (Error::Type { .. }
            | Error::Limit { .. }
            | Error::Feature { .. }
            | Error::Kernel { .. }
            | Error::TooLarge { .. }),
        ) => Verdict::Unsupported(error.to_string()),
        Refusal::Error(error) => failed("it was refused", error.to_string()),
    }
}

/// Whether a case that must be refused is. No device has any part in it.
fn refusal(case: &Case, tensors: &Tensors) -> Verdict {
    let known = case.file.is_some();
    let mut accepted = false;
    let outcome = evaluate(case, tensors, |call| {
        let (problem, passage): (Problem, Passage) = call.problem(true)?;
        if known {
            let inputs = call.tensors(&passage)?;
            problem.check(&inputs.iter().collect::<Vec<_>>())?;
        }
        accepted = true;
        Err(Refusal::Unsupported("it was accepted".into()))
    });
    match outcome {
        Err(Refusal::Error(_)) => Verdict::Passed,
        Err(Refusal::Unsupported(reason)) if !accepted => Verdict::Unsupported(reason),
        _ => failed("it must be refused", "it was accepted".into()),
    }
}

/// Evaluates a case, each call by `compute`.
fn evaluate(
    case: &Case,
    tensors: &Tensors,
    mut compute: impl FnMut(&Call) -> Result<Vec<Array>, Refusal>,
) -> Result<Vec<Array>, Refusal> {
    match &case.source {
        Source::Torch { attributes } => {
            compute(&torch::call(&case.op, attributes, &tensors.inputs, case.outputs.len())?)
        }
        Source::Gradient { attributes } => gradients::evaluate(case, attributes, &tensors.inputs, compute),
        Source::Onnx { opset, nodes } => {
            let names = case.inputs.iter().map(|port| port.name.clone());
            let inputs = names.zip(tensors.inputs.iter().cloned()).collect();
            let wanted: Vec<&str> = case.outputs.iter().map(|port| port.name.as_str()).collect();
            onnx::evaluate(nodes, *opset, inputs, &wanted, compute)
        }
    }
}

fn compare(
    what: &'static str,
    rules: Rules,
    case: &Case,
    tensors: &Tensors,
    results: &[Array],
) -> Option<Fault> {
    for (number, (port, expected)) in case.outputs.iter().zip(&tensors.outputs).enumerate() {
        let Some(got) = results.get(number) else {
            return Some(Fault {
                what,
                worst: None,
                reason: Some(format!("there is no output {}", port.name)),
            });
        };
        // The outputs behind the first are indices.
        let values = if number > 0 { tensors.outputs.first() } else { None };
        let scale = tensors.scales.get(number).and_then(Option::as_ref);
        match judge::compare(rules, &port.name, values, scale, expected, got) {
            Ok(None) => {}
            Ok(worst) => return Some(Fault { what, worst, reason: None }),
            Err(reason) => return Some(Fault { what, worst: None, reason: Some(reason) }),
        }
    }
    None
}

/// Whether two runs gave the same values; NaN is the same as NaN.
fn same(a: &Tensor, b: &Tensor) -> bool {
    let pairs = (0..a.data().len()).map(|i| (a.data().get(i), b.data().get(i)));
    let alike = |(a, b): (Option<f64>, Option<f64>)| match (a, b) {
        (Some(a), Some(b)) => a == b || a.is_nan() && b.is_nan(),
        _ => false,
    };
    a.desc() == b.desc() && pairs.into_iter().all(alike)
}
