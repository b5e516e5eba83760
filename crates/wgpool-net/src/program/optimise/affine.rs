//! Scales and shifts of channels behind a convolution or a dense layer.

use super::join::{free_activation, has_residual, taken};
use super::{Pair, READ_BY_OTHERS, Trial, inputs, weight_at};
use crate::affine::Affine;
use crate::program::Source;
use crate::weight::Weight;
use wgpool::error::Result;
use wgpool::spec::{BinaryFunction, ElementStep, Layout, Op, Operand};
use wgpool::tensor::Tensor;

/// Joins the weights where these are known, and there is no activation in between.
pub(super) fn behind(pair: &Pair<'_>) -> Result<Trial> {
    if !matches!(pair.step.op, Op::Elementwise(_)) {
        return Ok(Trial::Foreign);
    }
    let mut op = pair.before.op.clone();
    if free_activation(&mut op).is_none() {
        return Ok(taken(&pair.before.op));
    }
    if has_residual(&op) {
        return Ok(Trial::Apart("it scales and shifts what the convolution adds to its sums too"));
    }
    let Some(affine) = of(pair) else {
        return Ok(Trial::Apart("it does not scale and shift whole channels by known numbers"));
    };
    let bias = weight_at(pair.before, 2);
    let Some(kernel) = weight_at(pair.before, 1).filter(|_| pair.before.inputs.len() < 3 || bias.is_some())
    else {
        return Ok(Trial::Apart("the kernel or bias before it is computed"));
    };
    if !pair.is_only {
        return Ok(Trial::Apart(READ_BY_OTHERS));
    }
    let Some(folded) = affine.after(&op, kernel, bias)? else {
        return Ok(Trial::Apart("the weights cannot take it in"));
    };
    let mut all = inputs(pair.before);
    all.truncate(1);
    for folded in folded {
        let desc = folded.desc();
        let Weight::Values(tensor) = folded else { return Ok(Trial::Foreign) };
        all.push((Source::Weight(tensor), desc));
    }
    Ok(Trial::joined(op, all))
}

/// What a formula does to each channel, if it is a scale and shift.
fn of(pair: &Pair<'_>) -> Option<Affine> {
    let Op::Elementwise(formula) = &pair.step.op else { return None };
    let shape = &pair.before.problem.outputs.first()?.shape;
    if pair.step.problem.outputs.first()?.shape != *shape {
        return None;
    }
    let axis = match &pair.before.op {
        Op::Conv(spec) if spec.layout == Layout::Nchw => 1,
        Op::ConvTranspose(spec) if spec.layout == Layout::Nchw => 1,
        _ => shape.len() - 1,
    };
    let channels = *shape.get(axis)?;
    let mut results: Vec<Linear> = Vec::with_capacity(formula.steps.len());
    for step in &formula.steps {
        let operand = |operand: &Operand| match operand {
            Operand::Number(number) => Some(Linear::all(0.0, f64::from(*number), channels)),
            Operand::Step(step) => results.get(*step).cloned(),
            Operand::Input(input) => match pair.step.inputs.get(*input)? {
                source if Some(source) == pair.step.inputs.get(pair.input) => {
                    let reads_whole = pair.step.problem.inputs.get(*input)?.shape == *shape;
                    reads_whole.then(|| Linear::all(1.0, 0.0, channels))
                }
                _ => Linear::of_weight(weight_at(pair.step, *input)?, shape.len(), axis, channels),
            },
        };
        let ElementStep::Binary(function, a, b) = step else { return None };
        results.push(Linear::of(*function, &operand(a)?, &operand(b)?)?);
    }
    let Linear { scale, shift } = results.pop()?;
    Some(Affine { scale, shift })
}

/// `scale * x + shift` for each channel.
#[derive(Clone, Debug)]
struct Linear {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

impl Linear {
    fn all(scale: f64, shift: f64, channels: usize) -> Linear {
        Linear { scale: vec![scale; channels], shift: vec![shift; channels] }
    }

    /// Numbers of which each is one channel's, or all are one.
    fn of_weight(tensor: &Tensor, rank: usize, axis: usize, channels: usize) -> Option<Linear> {
        let numbers = tensor.as_f32().ok()?;
        if let &[one] = numbers {
            return Some(Linear::all(0.0, f64::from(one), channels));
        }
        let at = (axis + tensor.shape().len()).checked_sub(rank)?;
        if numbers.len() != channels || tensor.shape().get(at) != Some(&channels) {
            return None;
        }
        let shift = numbers.iter().map(|&number| f64::from(number)).collect();
        Some(Linear { scale: vec![0.0; channels], shift })
    }

    fn is_constant(&self) -> bool {
        self.scale.iter().all(|&scale| scale == 0.0)
    }

    fn of(function: BinaryFunction, a: &Linear, b: &Linear) -> Option<Linear> {
        let zip = |f: &dyn Fn(f64, f64) -> f64, a: &[f64], b: &[f64]| -> Vec<f64> {
            a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
        };
        Some(match function {
            BinaryFunction::Add => Linear {
                scale: zip(&|a, b| a + b, &a.scale, &b.scale),
                shift: zip(&|a, b| a + b, &a.shift, &b.shift),
            },
            BinaryFunction::Subtract => Linear {
                scale: zip(&|a, b| a - b, &a.scale, &b.scale),
                shift: zip(&|a, b| a - b, &a.shift, &b.shift),
            },
            BinaryFunction::Multiply if b.is_constant() => Linear {
                scale: zip(&|a, b| a * b, &a.scale, &b.shift),
                shift: zip(&|a, b| a * b, &a.shift, &b.shift),
            },
            BinaryFunction::Multiply if a.is_constant() => return Linear::of(function, b, a),
            BinaryFunction::Divide if b.is_constant() => Linear {
                scale: zip(&|a, b| a / b, &a.scale, &b.shift),
                shift: zip(&|a, b| a / b, &a.shift, &b.shift),
            },
            _ => return None,
        })
    }
}
