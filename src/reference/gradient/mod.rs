//! Gradients by their definition.

mod activation;
mod dropout;
mod loss;
mod pool;
mod roi;
mod softmax;
mod weights;

use super::Exact;
use crate::error::{Error, Result};
use crate::problem::GradientWork;

pub(super) fn gradient(work: &GradientWork, inputs: &[Vec<f64>], outputs: &mut [Exact]) -> Result<()> {
    match (work, inputs, outputs) {
        (GradientWork::Pool(work), [g, others @ ..], [y]) => pool::pool(work, g, others, y),
        (GradientWork::Unpool(work), [g, indices], [y]) => {
            pool::unpool(work, g, indices, y);
            Ok(())
        }
        (GradientWork::RoiAlign(work), [g, regions, images], [y]) => {
            roi::align(work, g, regions, images, y);
            Ok(())
        }
        (GradientWork::Weights(work), inputs, [y]) => {
            weights::weights(work, &inputs[work.image], &inputs[work.windows], y)
        }
        (GradientWork::Activation(work), [g, x], [y]) => {
            activation::activation(work, g, x, y);
            Ok(())
        }
        (GradientWork::Softmax(work), [g, softmax], [y]) => {
            softmax::softmax(work, g, softmax, y);
            Ok(())
        }
        (GradientWork::CrossEntropy(work), [x, targets], [y]) => {
            loss::forward(work, x, targets, y);
            Ok(())
        }
        (GradientWork::CrossEntropyGradient(work), [g, x, targets], [y]) => {
            loss::backward(work, g.first().copied().unwrap_or(0.0), x, targets, y);
            Ok(())
        }
        (GradientWork::Dropout(work), [state], [y]) => {
            dropout::mask(work, state, y);
            Ok(())
        }
        (_, inputs, _) => Err(Error::arity("gradient", "as many as the operation defines", inputs.len())),
    }
}
