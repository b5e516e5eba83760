//! Gradient problems. Those that are operations of another name become these operations' work: the gradient of a convolution
//! by its input is a transposed convolution, and that of a transposed one a convolution.

mod activation;
mod conv;
mod dropout;
mod loss;
mod pool;
mod roi;

pub use conv::WeightsWork;
pub use dropout::DropoutWork;
pub use loss::CrossEntropyWork;
pub use pool::PoolGradientWork;

use super::{ActivationWork, Problem, RoiAlignWork, SoftmaxWork, UnpoolWork, Work};
use crate::error::{Error, Result};
use crate::spec::gradient::Gradient;
use crate::tensor::{Tensor, TensorDesc};

/// What a gradient's problem computes that no other operation does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GradientWork {
    /// Of pooling.
    Pool(Box<PoolGradientWork>),
    /// Of unpooling, whose values and output these are.
    Unpool(UnpoolWork),
    /// Of region pooling.
    RoiAlign(RoiAlignWork),
    /// Of a convolution or fully connected layer by its kernel.
    Weights(Box<WeightsWork>),
    /// Of an activation.
    Activation(ActivationWork),
    /// Of softmax.
    Softmax(SoftmaxWork),
    /// Cross-entropy.
    CrossEntropy(CrossEntropyWork),
    /// Its gradient.
    CrossEntropyGradient(CrossEntropyWork),
    /// A mask of dropout.
    Dropout(DropoutWork),
}

impl GradientWork {
    /// What the inputs are called in errors.
    pub(super) fn input_names(&self) -> &'static [&'static str] {
        match self {
            GradientWork::Pool(work) if work.is_max() => &["the gradient", "the indices"],
            GradientWork::Pool(_) => &["the gradient", "the input", "the output"],
            GradientWork::Unpool(_) => &["the gradient", "the indices"],
            GradientWork::RoiAlign(_) => &["the gradient", "the regions", "the image numbers"],
            GradientWork::Weights(_) => &["the input", "the gradient"],
            GradientWork::Activation(_) => &["the gradient", "the input"],
            GradientWork::Softmax(_) => &["the gradient", "the output"],
            GradientWork::CrossEntropy(_) => &["the logits", "the target"],
            GradientWork::CrossEntropyGradient(_) => &["the gradient", "the logits", "the target"],
            GradientWork::Dropout(_) => &["the state"],
        }
    }

    /// Refuses indices of other elements than the forward pass can have chosen.
    pub(super) fn check_values(&self, op: &'static str, tensors: &[&Tensor]) -> Result<()> {
        match (self, tensors) {
            (GradientWork::Pool(work), [_, indices]) if work.is_max() => work.check_indices(op, indices),
            (GradientWork::Unpool(work), [_, indices]) => work.check_indices(op, indices),
            (GradientWork::RoiAlign(work), [_, regions, images]) => roi::check(work, op, regions, images),
            (GradientWork::CrossEntropy(work), [_, target]) => work.check_labels(op, target),
            (GradientWork::CrossEntropyGradient(work), [_, _, target]) => work.check_labels(op, target),
            _ => Ok(()),
        }
    }
}

pub(super) fn gradient(spec: &Gradient, inputs: &[TensorDesc]) -> Result<Problem> {
    match spec {
        Gradient::Pool(spec) => pool::pool(spec, inputs),
        Gradient::MaxUnpool(spec) => pool::unpool(spec, inputs),
        Gradient::RoiAlign(spec) => roi::align(spec, inputs),
        Gradient::ConvInput(spec) => conv::conv_input(spec, inputs),
        Gradient::ConvWeights(spec) => conv::conv_weights(spec, inputs),
        Gradient::ConvTransposeInput(spec) => conv::transposed_input(spec, inputs),
        Gradient::ConvTransposeWeights(spec) => conv::transposed_weights(spec, inputs),
        Gradient::DenseInput(spec) => conv::dense_input(spec, inputs),
        Gradient::DenseWeights(spec) => conv::dense_weights(spec, inputs),
        Gradient::Activation(spec) => activation::activation(spec, inputs),
        Gradient::Softmax(spec) => activation::softmax(spec, inputs),
        Gradient::CrossEntropy(spec) => loss::cross_entropy(spec, inputs),
        Gradient::CrossEntropyGradient(spec) => loss::backward(&spec.of, inputs),
        Gradient::Dropout(spec) => dropout::mask(spec, inputs),
    }
}

/// Two inputs; `expected` says what they are.
fn two<'a>(
    op: &'static str,
    expected: &'static str,
    inputs: &'a [TensorDesc],
) -> Result<[&'a TensorDesc; 2]> {
    match inputs {
        [a, b] => Ok([a, b]),
        _ => Err(Error::arity(op, expected, inputs.len())),
    }
}

/// Refuses a gradient of another shape than the forward pass's output had.
fn require_gradient(op: &'static str, gradient: &TensorDesc, output: &[usize]) -> Result<()> {
    super::require_shape(op, "the gradient", gradient, output, ", as the forward pass's output has")
}

fn problem(op: &'static str, inputs: &[TensorDesc], output: TensorDesc, work: Work) -> Problem {
    Problem { op, inputs: inputs.to_vec(), outputs: vec![output], work }
}
