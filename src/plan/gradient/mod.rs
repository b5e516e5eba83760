//! Gradients: their kernels.

mod cross_entropy;
mod dropout;
pub(super) mod pool;
pub(super) mod roi;
mod rows;
pub(super) mod weights;

use super::{Planner, Steps};
use crate::error::Result;
use crate::problem::GradientWork;

pub(super) fn steps(p: &Planner, work: &GradientWork) -> Result<Steps> {
    match work {
        GradientWork::Pool(work) => pool::steps(p, work),
        GradientWork::Unpool(work) => Ok(pool::unpool(p, work)?.into()),
        GradientWork::RoiAlign(work) => Ok(roi::align(p, work)?.into()),
        GradientWork::Weights(work) => weights::steps(p, work),
        GradientWork::Activation(work) => Ok(rows::activation(p, work)?.into()),
        GradientWork::Softmax(work) => Ok(rows::softmax(p, work)?.into()),
        GradientWork::CrossEntropy(work) => cross_entropy::forward(p, work),
        GradientWork::CrossEntropyGradient(work) => Ok(cross_entropy::backward(p, work)?.into()),
        GradientWork::Dropout(work) => Ok(dropout::mask(p, work)?.into()),
    }
}
