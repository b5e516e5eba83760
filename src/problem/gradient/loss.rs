//! Losses and their gradients.

use super::{GradientWork, problem};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::problem::{Problem, SoftmaxWork, Work, axis_of, require_dtype, require_shape};
use crate::spec::gradient::CrossEntropy;
use crate::tensor::{Data, Tensor, TensorDesc};

/// Cross-entropy with every length known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrossEntropyWork {
    /// Rows of classes, as softmax has them.
    pub rows: SoftmaxWork,
    /// Whether the target has a probability for each class, instead of a label.
    pub probabilities: bool,
    /// Whether it is the sum, instead of the mean over all rows.
    pub sum: bool,
}

impl CrossEntropyWork {
    /// What the sum over all rows is multiplied by.
    pub(crate) fn share(&self) -> f64 {
        let rows = self.rows.outer * self.rows.inner;
        if self.sum { 1.0 } else { 1.0 / rows as f64 }
    }

    /// Refuses labels that are no class.
    pub(super) fn check_labels(&self, op: &'static str, labels: &Tensor) -> Result<()> {
        let Data::I32(labels) = labels.data() else { return Ok(()) };
        let classes = 0..self.rows.length as i64;
        match labels.iter().position(|&label| !classes.contains(&i64::from(label))) {
            None => Ok(()),
            Some(at) => {
                let rule = format!("it must be one of {} classes, counted from 0", self.rows.length);
                Err(Error::value(op, "labels", at, labels[at], rule))
            }
        }
    }
}

/// Logits and target, checked.
fn work(
    op: &'static str,
    spec: &CrossEntropy,
    logits: &TensorDesc,
    target: &TensorDesc,
) -> Result<CrossEntropyWork> {
    require_dtype(op, "the logits", logits.dtype, &[DType::F32])?;
    let axis = axis_of(op, spec.axis, &logits.shape)?;
    let rows = SoftmaxWork {
        dtype: logits.dtype,
        outer: logits.shape[..axis].iter().product(),
        length: logits.shape[axis],
        inner: logits.shape[axis + 1..].iter().product(),
    };
    if rows.length == 0 || rows.outer * rows.inner == 0 {
        return Err(Error::shape(op, "the logits", &logits.shape, "no axis may be 0"));
    }
    match spec.probabilities {
        true => {
            require_dtype(op, "the probabilities", target.dtype, &[DType::F32])?;
            require_shape(op, "the probabilities", target, &logits.shape, ", as the logits have")?;
        }
        false => {
            require_dtype(op, "the labels", target.dtype, &[DType::I32])?;
            let mut shape = logits.shape.clone();
            shape.remove(axis);
            require_shape(op, "the labels", target, &shape, ", the logits' without the axis")?;
        }
    }
    Ok(CrossEntropyWork { rows, probabilities: spec.probabilities, sum: spec.sum })
}

pub(super) fn cross_entropy(spec: &CrossEntropy, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "cross-entropy";
    let [logits, target] = inputs else {
        return Err(Error::arity(op, "two (logits, target)", inputs.len()));
    };
    let work = work(op, spec, logits, target)?;
    Ok(problem(op, inputs, TensorDesc::f32([1]), Work::Gradient(GradientWork::CrossEntropy(work))))
}

pub(super) fn backward(spec: &CrossEntropy, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of cross-entropy";
    let [gradient, logits, target] = inputs else {
        return Err(Error::arity(op, "three (gradient, logits, target)", inputs.len()));
    };
    let work = work(op, spec, logits, target)?;
    require_shape(op, "the gradient", gradient, &[1], ", that of the loss")?;
    let output = logits.clone();
    Ok(problem(op, inputs, output, Work::Gradient(GradientWork::CrossEntropyGradient(work))))
}
