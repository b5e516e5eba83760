//! Softmax and activation problems.

use super::conv::check_activation;
use super::{Problem, Work, only_input};
use crate::error::{Error, Result};
use crate::spec::{Activation, Softmax};
use crate::tensor::TensorDesc;

/// Softmax with every length known: element `i` of row `(o, s)` lies at `(o * length + i) * inner + s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SoftmaxWork {
    /// Elements before the axis.
    pub outer: usize,
    /// Elements along the axis.
    pub length: usize,
    /// Elements behind the axis.
    pub inner: usize,
}

/// An activation by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ActivationWork {
    /// Elements of the tensor.
    pub elements: usize,
    /// Applied to each.
    pub activation: Activation,
}

pub(super) fn softmax(spec: &Softmax, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "softmax";
    let input = only_input(op, inputs)?;
    let rank = input.shape.len() as isize;
    let axis = if spec.axis < 0 { spec.axis.saturating_add(rank) } else { spec.axis };
    if !(0..rank).contains(&axis) {
        let rule = format!("a tensor of shape {:?} has axes {} to {}", input.shape, -rank, rank - 1);
        return Err(Error::parameter(op, "axis", spec.axis, rule));
    }
    let axis = axis as usize;
    let work = SoftmaxWork {
        outer: input.shape[..axis].iter().product(),
        length: input.shape[axis],
        inner: input.shape[axis + 1..].iter().product(),
    };
    if work.length == 0 {
        return Err(Error::shape(op, "the input", &input.shape, format!("axis {axis} must not be 0")));
    }
    Ok(same_shape(op, input, Work::Softmax(work)))
}

pub(super) fn activation(spec: &Activation, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "activation";
    let input = only_input(op, inputs)?;
    check_activation(op, *spec)?;
    let work = ActivationWork { elements: input.elements(), activation: *spec };
    Ok(same_shape(op, input, Work::Activation(work)))
}

fn same_shape(op: &'static str, input: &TensorDesc, work: Work) -> Problem {
    Problem { op, inputs: vec![input.clone()], outputs: vec![input.clone()], work }
}
