//! `wgpool check`: each operation of a model against the reference, on the inputs that it gets there.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;
use wgpool::reference::{self, Mismatch};
use wgpool::{Error, Result, Tensor};
use wgpool_net::{Program, Step};
use wgpool_testing::verify::random::Rng;

use super::Network;
use super::inputs::{self, Ready};
use crate::args::{CheckArgs, Place};
use crate::backends;
use crate::terminal::{block, line, progress};

/// Status if an element is outside its bound.
const FAILED: u8 = 1;

/// Runs the command; the status says whether an element is outside its bound.
pub fn run(args: &CheckArgs, place: &Place, out: &mut dyn Write) -> Result<ExitCode> {
    let mut rng = Rng::new(args.seed);
    let network = Network::load(&args.network.model, args.network.weights.as_deref())?;
    let Ready { program, inputs } = inputs::read(&network, &args.network, Some(&mut rng))?;
    let backend = backends::open_with(place, &args.kernels)?;
    let bar = progress(program.steps.len(), "operations");
    let compute = |step: &Step, inputs: &[&Tensor]| {
        bar.inc(1);
        backend.run(&step.op, inputs)
    };
    let wrong = first_wrong(&program, &inputs, compute);
    bar.finish_and_clear();
    let wrong = wrong?;
    let steps = program.steps.len();
    if args.network.json {
        let wrong = wrong.as_ref().map(|wrong| {
            let Mismatch { at, got, expected, bound, count, .. } = wrong.mismatch;
            json!({
                "operation": wrong.step.name, "op": wrong.step.problem.op, "output": wrong.output,
                "index": index(at, wrong.shape()), "got": got, "expected": expected, "bound": bound, "count": count
            })
        });
        let text = json!({
            "model": program.name, "adapter": backend.name(), "operations": steps, "seed": args.seed, "wrong": wrong
        });
        block(out, format_args!("{text:#}"))?;
    } else if let Some(wrong) = &wrong {
        block(out, format_args!("{wrong} on {}", backend.name()))?;
        block(out, backend.explain(&wrong.step.op, &wrong.step.problem.inputs)?)?;
    } else {
        let text =
            format!("{}: {steps} operations, all within their bounds on {}", program.name, backend.name());
        line(out, text)?;
    }
    Ok(if wrong.is_some() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// An output that is not right.
#[derive(Debug)]
struct Wrong<'a> {
    step: &'a Step,
    output: usize,
    mismatch: Mismatch,
}

impl Wrong<'_> {
    fn shape(&self) -> &[usize] {
        self.step.problem.outputs.get(self.output).map_or(&[], |desc| &desc.shape)
    }
}

impl std::fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Mismatch { at, got, expected, bound, count, .. } = self.mismatch;
        let (name, op, shape) = (&self.step.name, self.step.problem.op, self.shape());
        let output = if self.output == 0 { String::new() } else { format!(" of output {}", self.output) };
        write!(f, "{name} ({op}): {count} elements{output} are outside their bounds; the worst, ")?;
        write!(f, "{:?} of {shape:?}, is {got:e}, expected {expected:e} within {bound:e}", index(at, shape))
    }
}

/// The position of an element along each axis.
fn index(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&length| {
            let along = at % length.max(1);
            at /= length.max(1);
            along
        })
        .collect();
    index.reverse();
    index
}

/// Why a run ends early.
enum Stop<'a> {
    Wrong(Wrong<'a>),
    Failed(Error),
}

impl From<Error> for Stop<'_> {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

/// The first operation of which an element is outside its bound. Each gets what those before it computed, right or not.
fn first_wrong<'a>(
    program: &'a Program,
    inputs: &[Tensor],
    compute: impl Fn(&Step, &[&Tensor]) -> Result<Vec<Tensor>>,
) -> Result<Option<Wrong<'a>>> {
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let run = program.run_with(&inputs, |step, inputs| {
        let in_layer = |error: Error| error.in_layer(&program.name, &step.name);
        let outputs = compute(step, inputs).map_err(in_layer)?;
        let exact = reference::evaluate(&step.problem, inputs).map_err(in_layer)?;
        for (output, (exact, got)) in exact.iter().zip(&outputs).enumerate() {
            if let Some(mismatch) = reference::compare(exact, got).map_err(in_layer)? {
                return Err(Stop::Wrong(Wrong { step, output, mismatch }));
            }
        }
        Ok(outputs)
    });
    match run {
        Ok(_) => Ok(None),
        Err(Stop::Wrong(wrong)) => Ok(Some(wrong)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpool::Backend;
    use wgpool_net::onnx::{Model, Options};

    #[test]
    fn the_first_wrong_operation_and_its_element_are_named() {
        let file = include_bytes!("../../tests/data/onnx/small.onnx");
        let model = Model::parse(file).expect("a model");
        let program = model.program(&Options::default().dim("n", 2)).expect("a program");
        let input = || {
            let mut rng = Rng::new(3);
            let elements = (0..32).map(|_| rng.unit() as f32).collect();
            vec![Tensor::from_f32(&[2, 1, 4, 4], elements).expect("32 elements")]
        };
        let right = |step: &Step, inputs: &[&Tensor]| Backend::Host.run(&step.op, inputs);
        assert!(first_wrong(&program, &input(), right).expect("it runs").is_none());

        // What follows is computed from wrong numbers, but rightly.
        let spoiled = |step: &Step, inputs: &[&Tensor]| {
            let mut outputs = right(step, inputs)?;
            if step.name != "conv" {
                let mut elements = outputs[0].as_f32()?.to_vec();
                let last = elements.len() - 1;
                elements[last] += 1.0;
                outputs[0] = Tensor::from_f32(outputs[0].shape(), elements)?;
            }
            Ok(outputs)
        };
        let wrong = first_wrong(&program, &input(), spoiled).expect("it runs").expect("one is wrong");
        assert_eq!((wrong.step.name.as_str(), wrong.output, wrong.mismatch.count), ("relu", 0, 1));
        assert!(wrong.to_string().contains("[1, 1, 3, 3] of [2, 2, 4, 4]"), "{wrong}");
    }

    #[test]
    fn positions_follow_the_shape() {
        assert_eq!(index(23, &[2, 3, 4]), [1, 2, 3]);
        assert_eq!(index(0, &[]), [0; 0]);
    }
}
