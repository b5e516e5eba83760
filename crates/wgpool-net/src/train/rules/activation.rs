//! Activations, by themselves and behind other operations.

use super::context::{ByInput, Context};
use crate::graph::Value;
use wgpool::error::Result;
use wgpool::spec::gradient::{ActivationGradient, PReluGradient};
use wgpool::spec::{Activation, BinaryFunction, ElementStep, Elementwise, Operand};

/// Whether the slope can be told from the value alone, so that nothing else is kept for it.
pub(in super::super) fn is_told_by_value(activation: Activation) -> bool {
    match activation {
        Activation::None | Activation::Relu | Activation::Relu6 => true,
        Activation::Sigmoid | Activation::Tanh => true,
        // One that falls does not keep the sign.
        Activation::LeakyRelu { alpha } => alpha > 0.0,
        _ => false,
    }
}

/// The gradient in front of the activation that ends the step.
pub(super) fn behind(context: &mut Context<'_>, activation: Activation) -> Result<Value> {
    if activation == Activation::None {
        return Ok(context.gradient);
    }
    let y = context.output(0)?;
    by_value(context, activation, y)
}

/// The gradient by what the activation was computed of, told by the value.
fn by_value(context: &mut Context<'_>, activation: Activation, y: Value) -> Result<Value> {
    let (g, y_, one) = (Operand::Input(0), Operand::Input(1), Operand::Number(1.0));
    let product = |a, b| ElementStep::Binary(BinaryFunction::Multiply, a, b);
    let less = |a, b| ElementStep::Binary(BinaryFunction::Subtract, a, b);
    let formula = match activation {
        // The value is inside the pieces whose slope counts where the input is.
        Activation::Relu | Activation::Relu6 | Activation::LeakyRelu { .. } => {
            return context.one(ActivationGradient { of: activation }, &[context.gradient, y]);
        }
        Activation::Sigmoid => {
            let steps = [less(one, y_), product(Operand::Step(0), y_), product(g, Operand::Step(1))];
            Elementwise { inputs: 2, steps: steps.into() }
        }
        Activation::Tanh => {
            let steps = [product(y_, y_), less(one, Operand::Step(0)), product(g, Operand::Step(1))];
            Elementwise { inputs: 2, steps: steps.into() }
        }
        _ => return Err(context.refuse("its activation was not put apart")),
    };
    context.one(formula, &[context.gradient, y])
}

/// An activation that is a step.
pub(super) fn alone(context: &mut Context<'_>, activation: Activation) -> Result<ByInput> {
    let by_x = match activation {
        Activation::None => context.gradient,
        Activation::PRelu => return prelu(context),
        told if is_told_by_value(told) => {
            let y = context.output(0)?;
            by_value(context, told, y)?
        }
        of => {
            let x = context.input(0)?;
            context.one(ActivationGradient { of }, &[context.gradient, x])?
        }
    };
    Ok(context.only(by_x))
}

/// Of `x` where it is positive, else of the slope times `x`; a slope is the sum over what shares it.
fn prelu(context: &mut Context<'_>) -> Result<ByInput> {
    let (x, slope) = (context.input(0)?, context.input(1)?);
    // A slope lacks the first axis at most, and is then aligned at the last.
    let shape = context.shape(1)?;
    let mut all = context.none();
    if context.needs(0) {
        let by_x = context.one(PReluGradient::by_input(), &[x, slope, context.gradient])?;
        if let Some(place) = all.first_mut() {
            *place = Some(by_x);
        }
    }
    if context.needs(1) {
        let each = context.one(PReluGradient::by_slope(), &[x, context.gradient])?;
        let by_slope = context.sum_to(each, &shape)?;
        if let Some(place) = all.get_mut(1) {
            *place = Some(by_slope);
        }
    }
    Ok(all)
}
