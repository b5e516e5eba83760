//! The derivative of a formula by one of its inputs, as a formula.

use super::slopes::{ONE, Steps, ZERO};
use wgpool::spec::{BinaryFunction, ElementStep, Elementwise, Operand};

/// What the gradient by an input is.
#[derive(Debug, PartialEq)]
pub(super) enum Derivative {
    /// The input has none: it only decides, or is rounded.
    Zero,
    /// The gradient of the result, as it is.
    Same,
    /// A formula of these inputs; the one behind the formula's own is the gradient of the result.
    Formula(Vec<usize>, Elementwise),
    /// It is too long for a formula, or has a function whose derivative is an operation of its own.
    InParts,
}

/// The operands of a step through which a gradient goes.
fn passing(step: &ElementStep) -> Vec<Operand> {
    match *step {
        ElementStep::Select { yes, no, .. } => vec![yes, no],
        _ => step.operands(),
    }
}

/// The gradient of a formula by its input `by`.
pub(super) fn derivative(formula: &Elementwise, by: usize) -> Derivative {
    let of_input = |operand: &Operand| matches!(operand, Operand::Input(i) if *i == by);
    // Which steps the input goes into.
    let mut depends: Vec<bool> = Vec::with_capacity(formula.steps.len());
    for step in &formula.steps {
        let reads = |operand: &Operand| match operand {
            Operand::Step(at) => depends.get(*at) == Some(&true),
            operand => of_input(operand),
        };
        let depends_too = passing(step).iter().any(reads);
        depends.push(depends_too);
    }
    let leads = |operand: Operand| match operand {
        Operand::Step(at) => depends.get(at) == Some(&true),
        operand => of_input(&operand),
    };
    if depends.last() != Some(&true) {
        return Derivative::Zero;
    }
    let mut steps = Steps(formula.steps.clone());
    let mut adjoints: Vec<Option<Operand>> = vec![None; formula.steps.len()];
    if let Some(last) = adjoints.last_mut() {
        *last = Some(Operand::Input(formula.inputs));
    }
    let mut found: Option<Operand> = None;
    for at in (0..formula.steps.len()).rev() {
        let (Some(step), Some(&Some(g))) = (formula.steps.get(at), adjoints.get(at)) else { continue };
        let y = Operand::Step(at);
        let mut contributions: Vec<(Operand, Option<Operand>)> = Vec::new();
        match *step {
            ElementStep::Unary(function, a) if leads(a) => {
                contributions.push((a, steps.by_unary(function, a, y, g)));
            }
            ElementStep::Binary(function, a, b) => {
                for (operand, first) in [(a, true), (b, false)] {
                    if leads(operand) {
                        contributions.push((operand, steps.by_binary(function, [a, b], y, g, first)));
                    }
                }
            }
            ElementStep::Select { condition, yes, no } => {
                if leads(yes) {
                    contributions.push((yes, Some(steps.select(condition, g, ZERO))));
                }
                if leads(no) {
                    contributions.push((no, Some(steps.select(condition, ZERO, g))));
                }
            }
            ElementStep::Activation(of, a) if leads(a) => {
                let Some(by) = steps.by_activation(of, a, y, g) else { return Derivative::InParts };
                contributions.push((a, Some(by)));
            }
            _ => {}
        }
        for (operand, contribution) in contributions {
            let Some(contribution) = contribution else { continue };
            let place = match operand {
                Operand::Step(at) => adjoints.get_mut(at),
                _ => Some(&mut found),
            };
            if let Some(place) = place {
                *place = Some(match *place {
                    Some(before) => steps.binary(BinaryFunction::Add, before, contribution),
                    None => contribution,
                });
            }
        }
    }
    let Some(found) = found else { return Derivative::Zero };
    match found {
        Operand::Input(input) if input == formula.inputs => Derivative::Same,
        // It is a number, times the gradient of nothing: as a formula it needs a step.
        found => whole(steps, found, formula.inputs),
    }
}

/// The steps that a value is computed of, as a formula.
fn whole(mut steps: Steps, value: Operand, gradient: usize) -> Derivative {
    let last = match value {
        Operand::Step(at) => at,
        other => {
            steps.0.push(ElementStep::Binary(BinaryFunction::Multiply, other, ONE));
            steps.0.len() - 1
        }
    };
    let mut is_used = vec![false; steps.0.len()];
    if let Some(last) = is_used.get_mut(last) {
        *last = true;
    }
    for (at, step) in steps.0.iter().enumerate().rev() {
        if is_used.get(at) == Some(&true) {
            for operand in step.operands() {
                if let Operand::Step(read) = operand
                    && let Some(read) = is_used.get_mut(read)
                {
                    *read = true;
                }
            }
        }
    }
    let mut inputs: Vec<usize> = Vec::new();
    let mut kept: Vec<ElementStep> = Vec::new();
    let mut places: Vec<usize> = Vec::with_capacity(steps.0.len());
    for (at, step) in steps.0.iter().enumerate() {
        places.push(kept.len());
        if is_used.get(at) != Some(&true) {
            continue;
        }
        let mut moved = |operand: Operand| match operand {
            Operand::Input(input) => {
                let place = inputs.iter().position(|&known| known == input);
                Operand::Input(place.unwrap_or_else(|| {
                    inputs.push(input);
                    inputs.len() - 1
                }))
            }
            Operand::Step(read) => Operand::Step(places.get(read).copied().unwrap_or(0)),
            number => number,
        };
        kept.push(mapped(step, &mut moved));
    }
    // The gradient's shape is that of the result, which is that of the derivative too.
    let fits = inputs.contains(&gradient)
        && inputs.len() <= Elementwise::MOST_INPUTS
        && kept.len() <= Elementwise::MOST_STEPS;
    match fits {
        true => Derivative::Formula(inputs.clone(), Elementwise { inputs: inputs.len(), steps: kept }),
        false => Derivative::InParts,
    }
}

/// A step of other operands.
pub(super) fn mapped(step: &ElementStep, operand: &mut impl FnMut(Operand) -> Operand) -> ElementStep {
    match *step {
        ElementStep::Unary(function, a) => ElementStep::Unary(function, operand(a)),
        ElementStep::Binary(function, a, b) => {
            let (a, b) = (operand(a), operand(b));
            ElementStep::Binary(function, a, b)
        }
        ElementStep::Select { condition, yes, no } => {
            let (condition, yes, no) = (operand(condition), operand(yes), operand(no));
            ElementStep::Select { condition, yes, no }
        }
        ElementStep::Activation(of, a) => ElementStep::Activation(of, operand(a)),
        other => other,
    }
}
