//! Formulas: each input's gradient is a formula where one can hold it, and several operations elsewhere.

use super::context::{ByInput, Context};
use super::formula::{Derivative, derivative, mapped};
use super::slopes::has;
use crate::graph::{Graph, Value};
use wgpool::error::Result;
use wgpool::spec::gradient::ActivationGradient;
use wgpool::spec::{ElementStep, Elementwise, Operand};

pub(super) fn elementwise(context: &mut Context<'_>, formula: &Elementwise) -> Result<ByInput> {
    let mut inputs = Vec::with_capacity(formula.inputs);
    for input in 0..formula.inputs {
        inputs.push(context.input(input)?);
    }
    let mut all = context.none();
    for by in 0..formula.inputs {
        if !context.needs(by) {
            continue;
        }
        let gradient = match derivative(formula, by) {
            Derivative::Zero => None,
            Derivative::InParts => return in_parts(context, formula, &inputs),
            other => direct(context, other, &inputs)?,
        };
        let Some(gradient) = gradient else { continue };
        let shape = context.shape(by)?;
        let summed = context.sum_to(gradient, &shape)?;
        if let Some(place) = all.get_mut(by) {
            *place = Some(summed);
        }
    }
    Ok(all)
}

/// A derivative that is a formula, or nothing else than the gradient.
fn direct(context: &mut Context<'_>, derivative: Derivative, inputs: &[Value]) -> Result<Option<Value>> {
    match derivative {
        Derivative::Same => Ok(Some(context.gradient)),
        Derivative::Formula(of, formula) => {
            let value = |&at: &usize| inputs.get(at).copied().unwrap_or(context.gradient);
            let read: Vec<Value> = of.iter().map(value).collect();
            context.one(formula, &read).map(Some)
        }
        Derivative::Zero | Derivative::InParts => Ok(None),
    }
}

/// What a step of a formula reads in the graph: each tensor once.
fn of_step(step: &ElementStep, inputs: &[Value], made: &[Value]) -> (Vec<Operand>, Vec<Value>, ElementStep) {
    let (mut operands, mut values) = (Vec::new(), Vec::new());
    let mut moved = |operand: Operand| {
        let value = match operand {
            Operand::Input(input) => inputs.get(input),
            Operand::Step(at) => made.get(at),
            Operand::Number(_) => None,
        };
        let Some(&value) = value else { return operand };
        let place = values.iter().position(|&known| known == value);
        Operand::Input(place.unwrap_or_else(|| {
            operands.push(operand);
            values.push(value);
            values.len() - 1
        }))
    };
    let step = mapped(step, &mut moved);
    (operands, values, step)
}

/// A step of a formula as an operation.
struct Part {
    operands: Vec<Operand>,
    values: Vec<Value>,
    formula: Elementwise,
    made: Value,
}

/// Every step of a formula as an operation by itself.
fn parts(graph: &mut Graph, formula: &Elementwise, inputs: &[Value]) -> Result<Vec<Part>> {
    let mut made: Vec<Value> = Vec::with_capacity(formula.steps.len());
    let mut parts = Vec::with_capacity(formula.steps.len());
    for step in &formula.steps {
        let (operands, values, step) = of_step(step, inputs, &made);
        if values.is_empty() {
            let node = graph.node().to_owned();
            return Err(graph.refusal(&node, "a step of its formula is of numbers alone"));
        }
        let formula = Elementwise { inputs: values.len(), steps: vec![step] };
        let value = graph.one(formula.clone(), &values)?;
        made.push(value);
        parts.push(Part { operands, values, formula, made: value });
    }
    Ok(parts)
}

/// A formula as operations that each read three tensors at most.
pub(in super::super) fn narrow(graph: &mut Graph, formula: &Elementwise, inputs: &[Value]) -> Result<Value> {
    let last = parts(graph, formula, inputs)?.pop().map(|part| part.made);
    let node = graph.node().to_owned();
    last.ok_or_else(|| graph.refusal(&node, "its formula has no steps"))
}

/// The gradients through every step of the formula, which are computed again.
fn in_parts(context: &mut Context<'_>, formula: &Elementwise, inputs: &[Value]) -> Result<ByInput> {
    let parts = parts(context.graph, formula, inputs)?;
    let mut of_steps: Vec<Option<Value>> = vec![None; parts.len()];
    if let Some(last) = of_steps.last_mut() {
        *last = Some(context.gradient);
    }
    let mut of_inputs = context.none();
    for (at, Part { operands, values, formula: part, .. }) in parts.iter().enumerate().rev() {
        let Some(&Some(gradient)) = of_steps.get(at) else { continue };
        for (by, (operand, &value)) in operands.iter().zip(values).enumerate() {
            if let Operand::Input(input) = operand
                && !context.needs(*input)
            {
                continue;
            }
            let outer = std::mem::replace(&mut context.gradient, gradient);
            let contribution = match part.steps.first() {
                Some(ElementStep::Activation(of, _)) if !has(*of) => {
                    context.one(ActivationGradient { of: *of }, &[gradient, value]).map(Some)
                }
                _ => direct(context, derivative(part, by), values),
            };
            context.gradient = outer;
            let Some(contribution) = contribution? else { continue };
            let shape = context.graph.desc(value)?.shape.clone();
            let contribution = context.sum_to(contribution, &shape)?;
            let place = match *operand {
                Operand::Step(step) => of_steps.get_mut(step),
                Operand::Input(input) => of_inputs.get_mut(input),
                Operand::Number(_) => None,
            };
            let Some(place) = place else { continue };
            *place = Some(match *place {
                Some(before) => context.one(Elementwise::add(), &[before, contribution])?,
                None => contribution,
            });
        }
    }
    Ok(of_inputs)
}
