//! The gradient of unpooling: each value takes that of the element that its index names.

use super::super::output::{WORTH_SHARING, fill};
use super::super::unpool::Place;
use super::pool::indices_of;
use crate::error::Result;
use crate::geometry::positions;
use crate::problem::UnpoolWork;
use crate::tensor::Data;

pub(super) fn unpool(work: &UnpoolWork, g: &[f32], indices: &Data) -> Result<Vec<f32>> {
    let indices = indices_of(indices)?;
    let place = Place::new(work);
    let step = work.output.space[2];
    let image = work.input.n;
    // Each image by itself, whatever the order of its elements.
    fill(work.batch * image, image, WORTH_SHARING.div_ceil(image.max(1)), |n, out: &mut [f32]| {
        let indices = &indices[n * image..][..image];
        for c in 0..work.channels {
            let from = n * work.output.n + c * work.output.c;
            positions(work.in_space).for_each(|at| {
                let at = work.input.at(0, c, at);
                if let Some(position) = place.of(indices[at], n, c) {
                    out[at] = g[from + position * step];
                }
            });
        }
    })
}
