//! Softmax and activation problems.

use super::conv::check_activation;
use super::{Problem, Work, axis_of, only_input};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::spec::{Activation, Softmax};
use crate::tensor::TensorDesc;

/// Softmax with every length known: element `i` of row `(o, s)` lies at `(o * length + i) * inner + s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SoftmaxWork {
    /// Type of the elements.
    pub dtype: DType,
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
    /// Type of the elements.
    pub dtype: DType,
    /// Elements of the tensor.
    pub elements: usize,
    /// Applied to each.
    pub activation: Activation,
    /// Numbers of PReLU's slope, 0 with other activations: that of element `i` is `i / run % slope`.
    pub slope: usize,
    /// Neighbours that share a number of the slope.
    pub run: usize,
}

impl ActivationWork {
    /// Elements that the slope is gone through once for: what a part of the tensor must be a multiple of.
    pub(crate) fn unit(&self) -> usize {
        if self.slope > 1 { self.slope * self.run } else { 1 }
    }

    /// Checks PReLU's slope against the input's shape.
    pub(super) fn take_slope(&mut self, op: &'static str, shape: &[usize], slope: &TensorDesc) -> Result<()> {
        self.slope = slope.elements();
        if self.slope == 1 {
            return Ok(());
        }
        let missing = shape.len().checked_sub(slope.shape.len()).filter(|&missing| missing <= 1);
        let padded = missing.map(|missing| [&[1][..missing], &slope.shape].concat()).unwrap_or_default();
        let has_own = |&length: &usize| length != 1;
        let ends = padded.iter().position(has_own).zip(padded.iter().rposition(has_own));
        let Some((_, last)) = ends.filter(|&(first, last)| padded[first..=last] == shape[first..=last])
        else {
            let rule = format!(
                "of an input of shape {shape:?} it must be one number, or have the input's axes, perhaps without the \
                 first: as long as there along neighbouring ones and 1 along all others, as in [channels, 1, 1]"
            );
            return Err(Error::shape(op, "the slope", &slope.shape, rule));
        };
        self.run = shape[last + 1..].iter().product();
        Ok(())
    }
}

pub(super) fn softmax(spec: &Softmax, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "softmax";
    let input = only_input(op, inputs)?;
    let axis = axis_of(op, spec.axis, &input.shape)?;
    let work = SoftmaxWork {
        dtype: input.dtype,
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
    let (dtype, elements) = (input.dtype, input.elements());
    let work = ActivationWork { dtype, elements, activation: *spec, slope: 0, run: 1 };
    Ok(same_shape(op, input, Work::Activation(work)))
}

fn same_shape(op: &'static str, input: &TensorDesc, work: Work) -> Problem {
    Problem { op, inputs: vec![input.clone()], outputs: vec![input.clone()], work }
}
