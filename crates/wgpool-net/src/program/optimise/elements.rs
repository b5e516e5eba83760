//! Functions of elements behind each other: one kernel.

use super::join::activation_of;
use super::{Pair, Part, Trial, inputs};
use crate::program::Source;
use wgpool::error::Result;
use wgpool::spec::{ElementStep, Elementwise, Op, Operand};
use wgpool::tensor::TensorDesc;

/// The formula of an operation, if it is one.
fn formula(step: Part<'_>) -> Option<Elementwise> {
    match step.op {
        Op::Elementwise(formula) => Some(formula.clone()),
        op => activation_of(op).map(|activation| Elementwise {
            inputs: 1,
            steps: vec![ElementStep::Activation(activation, Operand::Input(0))],
        }),
    }
}

/// Two formulas as one, where both make the same shape: a smaller one would be computed again for each of its elements.
pub(super) fn chain(pair: &Pair<'_>) -> Result<Trial> {
    let (Some(first), Some(second)) = (formula(pair.before), formula(pair.step)) else {
        return Ok(Trial::Foreign);
    };
    let made = pair.before.problem.outputs.first();
    let same_shape = made == pair.step.problem.outputs.first();
    let between = pair.step.inputs.get(pair.input);
    let reads = |at: usize| pair.step.inputs.get(at) == between;
    let whole = (0..second.inputs).filter(|&at| reads(at)).all(|at| pair.step.problem.inputs.get(at) == made);
    if !same_shape || !whole {
        return Ok(Trial::Apart(
            "it makes another shape, for which the first would be computed several times",
        ));
    }
    let mut all = inputs(pair.before);
    let place = |all: &mut Vec<(Source, TensorDesc)>, input: (Source, TensorDesc)| {
        all.iter().position(|there| *there == input).unwrap_or_else(|| {
            all.push(input);
            all.len() - 1
        })
    };
    // Where each input of the second is now; none for what the first made.
    let mut places = Vec::with_capacity(second.inputs);
    for (at, input) in inputs(pair.step).into_iter().enumerate() {
        places.push(if reads(at) { None } else { Some(place(&mut all, input)) });
    }
    let offset = first.steps.len();
    let moved = |operand: Operand| match operand {
        Operand::Input(at) => match places.get(at).copied().flatten() {
            Some(place) => Operand::Input(place),
            None => Operand::Step(offset.saturating_sub(1)),
        },
        Operand::Step(step) => Operand::Step(step + offset),
        number => number,
    };
    let mut steps = first.steps;
    steps.extend(second.steps.into_iter().map(|step| match step {
        ElementStep::Unary(function, a) => ElementStep::Unary(function, moved(a)),
        ElementStep::Binary(function, a, b) => ElementStep::Binary(function, moved(a), moved(b)),
        ElementStep::Select { condition, yes, no } => {
            ElementStep::Select { condition: moved(condition), yes: moved(yes), no: moved(no) }
        }
        ElementStep::Activation(activation, a) => ElementStep::Activation(activation, moved(a)),
        other => other,
    }));
    if all.len() > Elementwise::MOST_INPUTS || steps.len() > Elementwise::MOST_STEPS {
        return Ok(Trial::Apart("one formula has no more inputs and steps"));
    }
    Ok(Trial::joined(Op::from(Elementwise { inputs: all.len(), steps }), all))
}
