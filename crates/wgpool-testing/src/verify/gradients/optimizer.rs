//! Steps of optimisers.

use serde_json::Value;

use super::super::array::{Array, Values};
use super::super::call::{Call, Refusal, Role};
use super::{Named, OP, Pass};
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{Optimizer, OptimizerFormula, OptimizerInput};

/// The optimiser that a case's operation names, and the names of its states; nothing for others.
pub(super) fn named(name: &str, pass: &Pass) -> Result<Option<(Optimizer, &'static [&'static str])>> {
    let number = |name| Ok::<f64, Error>(pass.args.float(&[name])?.unwrap_or(0.0));
    let nesterov = pass.args.flag(&["nesterov"])?.unwrap_or(false);
    let (momentum, weight_decay) = (number("momentum")?, number("weight_decay")?);
    let (betas, epsilon) = ([number("beta1")?, number("beta2")?], number("epsilon")?);
    const MEANS: &[&str] = &["m", "v"];
    Ok(Some(match name {
        "sgd_torch" => {
            let of =
                Optimizer::SgdTorch { momentum, dampening: number("dampening")?, nesterov, weight_decay };
            (of, &["velocity"])
        }
        "sgd_keras" => (Optimizer::SgdKeras { momentum, nesterov, weight_decay }, &["velocity"]),
        "adam_torch" | "adamw_torch" => {
            let decoupled = name == "adamw_torch";
            (Optimizer::AdamTorch { betas, epsilon, weight_decay, decoupled }, MEANS)
        }
        "adam_keras" | "adamw_keras" => (Optimizer::AdamKeras { betas, epsilon, weight_decay }, MEANS),
        _ => return Ok(None),
    }))
}

/// The rate of each step.
fn rates(pass: &Pass) -> Result<Vec<f64>> {
    let wrong = || pass.args.missing("lr_per_step");
    let Some(Value::Array(rates)) = pass.args.raw(&["lr_per_step"]) else { return Err(wrong()) };
    rates.iter().map(|rate| rate.as_f64().ok_or_else(wrong)).collect()
}

/// The gradients of each step.
fn gradients(all: &Array, parameter: &Array, steps: usize) -> Result<Vec<Array>> {
    let Values::Float(values) = &all.values else {
        return Err(Error::parameter(OP, "grads", all.element, "they must be floats"));
    };
    if values.len() != parameter.values.len() * steps {
        let rule = format!("it must be that of the parameter, {steps} times");
        return Err(Error::shape(OP, "the gradients", &all.shape, rule));
    }
    let of = |values: &[f64]| Array { values: Values::Float(values.to_vec()), ..parameter.clone() };
    Ok(values.chunks(parameter.values.len().max(1)).map(of).collect())
}

pub(super) fn steps(
    optimizer: Optimizer,
    names: &'static [&'static str],
    pass: &mut Pass,
) -> Result<Named, Refusal> {
    let (rates, mut parameter) = (rates(pass)?, pass.input("param")?);
    let all = pass.input("grads")?;
    let zeros = Array { values: Values::Float(vec![0.0; parameter.values.len()]), ..parameter.clone() };
    let mut states = vec![zeros; optimizer.states()];
    let mut after: Vec<f64> = Vec::new();
    for ((number, rate), gradient) in (1..).zip(&rates).zip(gradients(&all, &parameter, rates.len())?) {
        // With the step's numbers in the formulas: devices with few bindings compute these too.
        let step = optimizer.step(number, *rate);
        let mut of = |formula: &OptimizerFormula, states: &[Array]| {
            let input = |input: &OptimizerInput| match *input {
                OptimizerInput::Parameter => Some(parameter.clone()),
                OptimizerInput::Gradient => Some(gradient.clone()),
                OptimizerInput::State(i) => states.get(i).cloned(),
                OptimizerInput::Number(_) => None,
            };
            let inputs = formula.inputs.iter().filter_map(input).map(|array| (Role::Data, array));
            pass.one(Call::new(formula.formula.clone(), inputs.collect()))
        };
        let next = step.states.iter().map(|formula| of(formula, &states)).collect::<Result<Vec<_>, _>>()?;
        states = next;
        parameter = of(&step.parameter, &states)?;
        if let Values::Float(values) = &parameter.values {
            after.extend(values);
        }
    }
    let shape = [&[rates.len()], parameter.shape.as_slice()].concat();
    let steps = Array { shape, values: Values::Float(after), element: parameter.element };
    let mut named: Named = names.iter().copied().zip(states).collect();
    named.push(("param_steps", steps));
    Ok(named)
}
