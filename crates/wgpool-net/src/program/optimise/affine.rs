//! Scales and shifts of channels behind a convolution or a dense layer, or before it.

use super::join::{NOT_FIRST, free_activation, has_residual, taken};
use super::{Pair, Part, READ_BY_OTHERS, Trial, channel_axis, inputs, weight_at};
use crate::affine::Affine;
use crate::program::Source;
use crate::weight::Weight;
use wgpool::error::Result;
use wgpool::spec::{Activation, BinaryFunction, ElementStep, Op, Operand, Padding};
use wgpool::tensor::{Tensor, TensorDesc};

/// Joins the weights where these are known, and there is no activation in between.
pub(super) fn behind(pair: &Pair<'_>) -> Result<Trial> {
    if !matches!(pair.step.op, Op::Elementwise(_)) {
        return Ok(Trial::Foreign);
    }
    let mut op = pair.before.op.clone();
    if free_activation(&mut op).is_none() {
        return Ok(taken(pair.before.op));
    }
    if has_residual(&op) {
        return Ok(Trial::Apart("it scales and shifts what the convolution adds to its sums too"));
    }
    let made = pair.before.problem.outputs.first().map_or(0, |desc| desc.shape.len());
    let Some(affine) = of(pair.step, pair.input, channel_axis(&op, made)) else {
        return Ok(Trial::Apart(NO_SCALE));
    };
    let Some((kernel, bias)) = weights(pair.before) else {
        return Ok(Trial::Apart("the kernel or bias before it is computed"));
    };
    if !pair.is_only {
        return Ok(Trial::Apart(READ_BY_OTHERS));
    }
    let folded = affine.after(&op, kernel, bias)?;
    Ok(with_weights(op, inputs(pair.before).into_iter().next(), folded))
}

/// Joins the weights of the operation behind where these are known, and no zeros of a padding come in between.
pub(super) fn before(pair: &Pair<'_>) -> Result<Trial> {
    let (Op::Elementwise(_), Op::Conv(_) | Op::Dense(_)) = (pair.before.op, pair.step.op) else {
        return Ok(Trial::Foreign);
    };
    // What is added to sums is none of what the weights are for.
    if pair.input != 0 {
        return Ok(Trial::Foreign);
    }
    let is_computed = |source: &Source| !matches!(source, Source::Weight(_));
    let x = pair.before.inputs.iter().position(is_computed);
    let rank = pair.before.problem.outputs.first().map_or(0, |desc| desc.shape.len());
    let affine = x.and_then(|x| of(pair.before, x, channel_axis(pair.step.op, rank)));
    let (Some(x), Some(affine)) = (x, affine) else { return Ok(Trial::Apart(NO_SCALE)) };
    if !pair.is_first() {
        return Ok(Trial::Apart(NOT_FIRST));
    }
    if matches!(pair.step.op, Op::Conv(spec) if pads(&spec.padding)) && !affine.keeps_zero() {
        return Ok(Trial::Apart("its shift would reach the zeros of the padding"));
    }
    if affine.largest_shift() > LARGEST_SHIFT {
        return Ok(Trial::Apart("its shift is large, and sums of what is not shifted would lose digits"));
    }
    let known = weights(pair.step).filter(|_| pair.step.op.activation() != Activation::PRelu);
    let Some((kernel, bias)) = known else {
        return Ok(Trial::Apart("the kernel or bias behind it is computed"));
    };
    if !pair.is_only {
        return Ok(Trial::Apart(READ_BY_OTHERS));
    }
    let outputs = pair.step.problem.outputs.first().map_or(&[][..], |desc| &desc.shape);
    let outputs = outputs.get(channel_axis(pair.step.op, outputs.len())).copied().unwrap_or(0);
    let folded = affine.before(pair.step.op, kernel, bias, outputs)?;
    Ok(with_weights(pair.step.op.clone(), inputs(pair.before).into_iter().nth(x), folded))
}

/// Shifts before an operation: beside what is shifted they may be as large as the mean of a picture's bytes. Sums of numbers that
/// lie far from zero are large, and what is left of them behind the shift has fewer digits.
const LARGEST_SHIFT: f64 = 128.0;

/// Whether there are zeros around the input.
fn pads(padding: &Padding) -> bool {
    match padding {
        Padding::Valid => false,
        Padding::Explicit { before, after } => before.iter().chain(after).any(|&zeros| zeros > 0),
        _ => true,
    }
}

const NO_SCALE: &str = "it does not scale and shift whole channels by known numbers";

/// Kernel and bias, if both are known.
fn weights(step: Part<'_>) -> Option<(&Tensor, Option<&Tensor>)> {
    if has_residual(step.op) {
        return None;
    }
    let bias = weight_at(step, 2);
    weight_at(step, 1).filter(|_| step.inputs.len() < 3 || bias.is_some()).map(|kernel| (kernel, bias))
}

/// An operation with other weights.
fn with_weights(op: Op, x: Option<(Source, TensorDesc)>, folded: Option<[Weight; 2]>) -> Trial {
    let Some(folded) = folded else { return Trial::Apart("the weights cannot take it in") };
    let mut all: Vec<(Source, TensorDesc)> = x.into_iter().collect();
    for folded in folded {
        let desc = folded.desc();
        let Weight::Values(tensor) = folded else { return Trial::Foreign };
        all.push((Source::Weight(tensor), desc));
    }
    Trial::joined(op, all)
}

/// What a formula does to each channel of one of its inputs, along an axis, if it is a scale and shift.
fn of(step: Part<'_>, x: usize, axis: usize) -> Option<Affine> {
    let Op::Elementwise(formula) = step.op else { return None };
    let shape = &step.problem.inputs.get(x)?.shape;
    if step.problem.outputs.first()?.shape != *shape {
        return None;
    }
    let channels = *shape.get(axis)?;
    let mut results: Vec<Linear> = Vec::with_capacity(formula.steps.len());
    for each in &formula.steps {
        let operand = |operand: &Operand| match operand {
            Operand::Number(number) => Some(Linear::all(0.0, f64::from(*number), channels)),
            Operand::Step(at) => results.get(*at).cloned(),
            Operand::Input(input) => match step.inputs.get(*input)? {
                source if Some(source) == step.inputs.get(x) => {
                    let reads_whole = step.problem.inputs.get(*input)?.shape == *shape;
                    reads_whole.then(|| Linear::all(1.0, 0.0, channels))
                }
                _ => Linear::of_weight(weight_at(step, *input)?, shape.len(), axis, channels),
            },
        };
        let ElementStep::Binary(function, a, b) = each else { return None };
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
