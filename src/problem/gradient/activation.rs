//! Gradients of activations and softmax.

use super::{GradientWork, problem, two};
use crate::error::{Error, Result};
use crate::problem::{Problem, Work, pointwise, require_dtype, require_shape};
use crate::spec::Activation;
use crate::spec::gradient::{ActivationGradient, SoftmaxGradient};
use crate::tensor::TensorDesc;

/// A gradient and a tensor of the same shape and type, which `name` names.
fn alike<'a>(
    op: &'static str,
    (expected, name): (&'static str, &'static str),
    inputs: &'a [TensorDesc],
) -> Result<&'a TensorDesc> {
    let [gradient, other] = two(op, expected, inputs)?;
    require_dtype(op, name, other.dtype, &[gradient.dtype])?;
    require_shape(op, name, other, &gradient.shape, ", as the gradient has")?;
    Ok(other)
}

pub(super) fn activation(spec: &ActivationGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of an activation";
    let x = alike(op, ("two (gradient, input)", "the input"), inputs)?;
    if spec.of == Activation::PRelu {
        let rule = "the slope of PReLU is an input, which this takes none of";
        return Err(Error::parameter(op, "activation", spec.of, rule));
    }
    match pointwise::activation(&spec.of, std::slice::from_ref(x))?.work {
        Work::Activation(work) => {
            Ok(problem(op, inputs, x.clone(), Work::Gradient(GradientWork::Activation(work))))
        }
        _ => Err(Error::parameter(op, "activation", spec.of, "it must be an activation")),
    }
}

pub(super) fn softmax(spec: &SoftmaxGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of softmax";
    let y = alike(op, ("two (gradient, output)", "the output"), inputs)?;
    match pointwise::softmax(&spec.of, std::slice::from_ref(y))?.work {
        Work::Softmax(work) => {
            Ok(problem(op, inputs, y.clone(), Work::Gradient(GradientWork::Softmax(work))))
        }
        _ => Err(Error::parameter(op, "of", spec.of, "it must be softmax")),
    }
}
