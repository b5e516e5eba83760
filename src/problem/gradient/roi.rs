//! The gradient of region pooling.

use super::{GradientWork, problem, require_gradient};
use crate::error::{Error, Result};
use crate::problem::{Problem, RoiAlignWork, Work, roi};
use crate::spec::RoiMode;
use crate::spec::gradient::RoiAlignGradient;
use crate::tensor::{Tensor, TensorDesc, checked_elements};

pub(super) fn align(spec: &RoiAlignGradient, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "gradient of RoiAlign";
    let [gradient, regions, images] = inputs else {
        return Err(Error::arity(op, "three (gradient, regions, image of each)", inputs.len()));
    };
    if spec.of.mode != RoiMode::Average {
        return Err(Error::parameter(op, "mode", spec.of.mode, "it must be the average"));
    }
    checked_elements("input", &spec.input)?;
    let x = TensorDesc { shape: spec.input.clone(), dtype: gradient.dtype };
    let passed = roi::align(&spec.of, &[x.clone(), regions.clone(), images.clone()])?;
    if let Some(output) = passed.outputs.first() {
        require_gradient(op, gradient, &output.shape)?;
    }
    match passed.work {
        Work::RoiAlign(work) => Ok(problem(op, inputs, x, Work::Gradient(GradientWork::RoiAlign(work)))),
        _ => Err(Error::parameter(op, "of", spec.of, "it must be RoiAlign")),
    }
}

/// Refuses regions and images that there are not.
pub(super) fn check(work: &RoiAlignWork, op: &'static str, regions: &Tensor, images: &Tensor) -> Result<()> {
    roi::check_regions(op, regions, 4, work.shape.spatial_scale)?;
    work.check_samples(op, regions)?;
    (0..work.shape.regions).try_for_each(|i| {
        let image = images.data().get(i).unwrap_or(f64::NAN);
        work.shape.check_image(op, "image numbers", i, image)
    })
}
