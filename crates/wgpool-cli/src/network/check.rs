//! `wgpool check`: each operation of a model against the reference, on the inputs that it gets there.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;
use wgpool::reference::Mismatch;
use wgpool::{Result, Tensor};
use wgpool_net::Step;
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
        step.run(&backend, inputs)
    };
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let wrong = program.check(&inputs, compute);
    bar.finish_and_clear();
    let wrong = wrong?;
    let steps = program.steps.len();
    if args.network.json {
        let wrong = wrong.as_ref().map(|wrong| {
            let Mismatch { got, expected, bound, count, .. } = wrong.mismatch;
            json!({
                "operation": wrong.step.name, "op": wrong.step.kind(), "output": wrong.output,
                "index": wrong.index(), "got": got, "expected": expected, "bound": bound, "count": count
            })
        });
        let text = json!({
            "model": program.name, "adapter": backend.name(), "operations": steps, "seed": args.seed, "wrong": wrong
        });
        block(out, format_args!("{text:#}"))?;
    } else if let Some(wrong) = &wrong {
        block(out, format_args!("{wrong} on {}", backend.name()))?;
        if let Some(problem) = wrong.step.problem() {
            block(out, backend.explain_problem(problem, false)?)?;
        }
    } else {
        let text =
            format!("{}: {steps} operations, all within their bounds on {}", program.name, backend.name());
        line(out, text)?;
    }
    Ok(if wrong.is_some() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
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
            Tensor::from_f32(&[2, 1, 4, 4], elements).expect("32 elements")
        };
        let right = |step: &Step, inputs: &[&Tensor]| step.run(&Backend::Host, inputs);
        assert!(program.check(&[&input()], right).expect("it runs").is_none());

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
        let input = input();
        let wrong = program.check(&[&input], spoiled).expect("it runs").expect("one is wrong");
        assert_eq!((wrong.step.name.as_str(), wrong.output, wrong.mismatch.count), ("relu", 0, 1));
        assert!(wrong.to_string().contains("[1, 1, 3, 3] of [2, 2, 4, 4]"), "{wrong}");
    }
}
