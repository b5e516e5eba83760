//! Gradients on the host.

mod dropout;
mod loss;
mod pool;
mod roi;
mod rows;
mod unpool;
mod weights;

use super::element;
use crate::error::{Error, Result};
use crate::problem::GradientWork;
use crate::tensor::{Data, Tensor};

pub(super) fn gradient(work: &GradientWork, inputs: &[&Tensor]) -> Result<Data> {
    match (work, inputs) {
        (GradientWork::Pool(work), [g, others @ ..]) => {
            element::stored(work.pool.dtype, pool::pool(work, &element::floats(g)?, others)?)
        }
        (GradientWork::Unpool(work), [g, indices]) => {
            element::stored(work.dtype, unpool::unpool(work, &element::floats(g)?, indices.data())?)
        }
        (GradientWork::RoiAlign(work), [g, regions, images]) => {
            let y = roi::align(work, &element::floats(g)?, regions.as_f32()?, images.data())?;
            element::stored(work.shape.dtype, y)
        }
        (GradientWork::Weights(work), inputs) => {
            let (x, g) = (element::floats(inputs[work.image])?, element::floats(inputs[work.windows])?);
            element::stored(work.conv.dtype, weights::weights(work, &x, &g)?)
        }
        (GradientWork::Activation(work), [g, x]) => {
            let y = rows::activation(work, &element::floats(g)?, &element::floats(x)?)?;
            element::stored(work.dtype, y)
        }
        (GradientWork::Softmax(work), [g, y]) => {
            element::stored(work.dtype, rows::softmax(work, &element::floats(g)?, &element::floats(y)?)?)
        }
        (GradientWork::CrossEntropy(work), [x, targets]) => {
            element::stored(work.rows.dtype, loss::forward(work, x.as_f32()?, targets.data())?)
        }
        (GradientWork::CrossEntropyGradient(work), [g, x, targets]) => {
            let g = g.as_f32()?.first().copied().unwrap_or(0.0);
            element::stored(work.rows.dtype, loss::backward(work, g, x.as_f32()?, targets.data())?)
        }
        (GradientWork::Dropout(work), [state]) => {
            Ok(dropout::mask(work, pool::indices_of(state.data())?)?.into())
        }
        (_, inputs) => Err(Error::arity("gradient", "as many as the operation defines", inputs.len())),
    }
}
