//! Problems of formulas: broadcasting, and which steps there may be.

use super::conv::check_activation;
use super::{Problem, Work, require_dtype};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::spec::{Activation, ElementStep, Elementwise, Operand};
use crate::tensor::{TensorDesc, checked_elements};

/// The largest number of axes.
pub(crate) const MOST_AXES: usize = 8;

/// A formula of tensors whose axes are known. Neighbouring axes along which all inputs are broadcast alike are one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ElementwiseWork {
    /// Type of the elements; steps compute in f32.
    pub dtype: DType,
    /// The formula.
    pub formula: Elementwise,
    /// Axes of the output, outermost first; at least one.
    pub axes: Vec<BroadcastAxis>,
}

/// An axis of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastAxis {
    /// Its length.
    pub length: usize,
    /// For each input the distance of neighbours along it; 0 where the input is repeated.
    pub strides: Vec<usize>,
}

/// How an input's elements lie in respect of the output's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// As the output's.
    Same,
    /// It is one element.
    One,
    /// One after another along the output's last axis, and repeated along others.
    Along,
    /// Repeated along the output's last axis.
    Across,
}

impl ElementwiseWork {
    /// Elements of the output.
    pub fn elements(&self) -> usize {
        self.axes.iter().map(|axis| axis.length).product()
    }

    /// Elements along the last axis.
    pub(crate) fn row(&self) -> usize {
        self.axes.last().map_or(1, |axis| axis.length)
    }

    /// How input `i` lies.
    pub fn access(&self, i: usize) -> Access {
        let (mut whole, mut same, mut one, mut last) = (1, true, true, 0);
        for (n, axis) in self.axes.iter().rev().enumerate().filter(|(_, axis)| axis.length != 1) {
            let stride = axis.strides.get(i).copied().unwrap_or(0);
            same &= stride == whole;
            one &= stride == 0;
            last = if n == 0 { stride } else { last };
            whole *= axis.length;
        }
        match (same, one, last) {
            (true, ..) => Access::Same,
            (_, true, _) => Access::One,
            (_, _, 0) => Access::Across,
            _ => Access::Along,
        }
    }
}

pub(super) fn elementwise(spec: &Elementwise, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "elementwise";
    check_formula(op, spec)?;
    if inputs.len() != spec.inputs {
        return Err(Error::arity(op, "as many as the formula has", inputs.len()));
    }
    let mut shape: Vec<usize> = Vec::new();
    for (i, desc) in inputs.iter().enumerate() {
        require_dtype(op, name(i), desc.dtype, &[inputs[0].dtype])?;
        if desc.shape.len() > MOST_AXES {
            return Err(Error::rank(op, name(i), &desc.shape, "it must have at most eight axes"));
        }
        shape = broadcast(&shape, &desc.shape).ok_or_else(|| {
            let rule = format!(
                "it cannot be broadcast with {shape:?}: aligned at the last axis, lengths must be equal or 1"
            );
            Error::shape(op, name(i), &desc.shape, rule)
        })?;
    }
    checked_elements("output", &shape)?;
    let outputs = vec![TensorDesc { shape, dtype: inputs[0].dtype }];
    let work = ElementwiseWork {
        dtype: inputs[0].dtype,
        formula: spec.clone(),
        axes: axes(inputs, &outputs[0].shape),
    };
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Elementwise(work) })
}

/// What input `i` is called in errors.
fn name(i: usize) -> &'static str {
    super::names::FORMULA.get(i).copied().unwrap_or("an input")
}

/// The shape that both are broadcast to.
fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let both = |axis| match (length(a, axis), length(b, axis)) {
        (1, other) | (other, 1) => Some(other),
        (a, b) => (a == b).then_some(a),
    };
    (0..rank).map(both).collect()
}

/// The axes of `shape`, merged; those of length 1 are left out.
fn axes(inputs: &[TensorDesc], shape: &[usize]) -> Vec<BroadcastAxis> {
    let mut distances = vec![1; inputs.len()];
    // From the last on.
    let mut axes: Vec<BroadcastAxis> = Vec::new();
    for (behind, &length) in shape.iter().rev().enumerate().filter(|&(_, &length)| length != 1) {
        let strides = inputs.iter().zip(&mut distances).map(|(input, distance)| {
            let own = input.shape.iter().rev().nth(behind).copied().unwrap_or(1);
            let stride = if own == 1 { 0 } else { *distance };
            *distance *= own;
            stride
        });
        let axis = BroadcastAxis { length, strides: strides.collect() };
        match axes.last_mut() {
            Some(last) if axis.strides.iter().zip(&last.strides).all(|(&a, &b)| a == b * last.length) => {
                last.length *= length;
            }
            _ => axes.push(axis),
        }
    }
    if axes.is_empty() {
        axes.push(BroadcastAxis { length: 1, strides: vec![0; inputs.len()] });
    }
    axes.reverse();
    axes
}

/// Refuses formulas that make no sense.
fn check_formula(op: &'static str, spec: &Elementwise) -> Result<()> {
    let (steps, inputs) = (spec.steps.len(), spec.inputs);
    if !(1..=Elementwise::MOST_INPUTS).contains(&inputs) {
        let rule = format!("there must be 1 to {}", Elementwise::MOST_INPUTS);
        return Err(Error::parameter(op, "inputs", inputs, rule));
    }
    if !(1..=Elementwise::MOST_STEPS).contains(&steps) {
        let rule = format!("there must be 1 to {}", Elementwise::MOST_STEPS);
        return Err(Error::parameter(op, "steps", steps, rule));
    }
    let mut used = [false; Elementwise::MOST_INPUTS];
    for (number, step) in spec.steps.iter().enumerate() {
        for operand in step.operands() {
            let there_is = match operand {
                Operand::Input(i) => i < inputs,
                Operand::Step(i) => i < number,
                Operand::Number(_) => true,
            };
            if !there_is {
                let rule = format!("step {number} can use inputs below {inputs} and steps below {number}");
                return Err(Error::parameter(op, "operand", format!("{operand:?}"), rule));
            }
            if let Operand::Input(i) = operand {
                used[i] = true;
            }
        }
        if let ElementStep::Activation(activation, _) = *step {
            if activation == Activation::PRelu {
                let rule = "a step has no slope: multiply by it, or select";
                return Err(Error::parameter(op, "activation", activation, rule));
            }
            check_activation(op, activation)?;
        }
    }
    match used[..inputs].iter().position(|used| !used) {
        Some(unused) => Err(Error::parameter(op, "inputs", inputs, format!("no step uses input {unused}"))),
        None => Ok(()),
    }
}
