//! Random pooling of regions.

use super::{Rng, float, image, layout};
use wgpool::spec::{MaxRoiPool, Op, RoiAlign, RoiMode};
use wgpool::tensor::{DType, TensorDesc};

/// Scales of which products are exact, and others, which show whether all paths round them alike.
fn scale(rng: &mut Rng) -> f32 {
    [1.0, 0.5, 0.25, 2.0, 0.1, 0.31, 0.7][rng.between(0, 6)]
}

/// A number of regions: none where there is no image that they could lie in.
fn regions(rng: &mut Rng, images: usize) -> usize {
    if images == 0 { 0 } else { rng.between(0, 6) }
}

pub(super) fn align(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let layout = layout(rng);
    let x = image(rng, 2, layout, 7);
    let count = regions(rng, x[0]);
    let spec = RoiAlign {
        output: [rng.between(1, 5), rng.between(1, 5)],
        sampling_ratio: rng.between(0, 3),
        spatial_scale: scale(rng),
        half_pixel: rng.one_in(2),
        mode: if rng.one_in(2) { RoiMode::Average } else { RoiMode::Max },
        layout,
    };
    let images = TensorDesc { shape: vec![count], dtype: DType::I32 };
    let x = TensorDesc { shape: x, dtype: float(rng, f16) };
    (spec.into(), vec![x, TensorDesc::f32([count, 4]), images])
}

pub(super) fn max(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let layout = layout(rng);
    let x = image(rng, 2, layout, 7);
    let count = regions(rng, x[0]);
    let spec =
        MaxRoiPool { output: [rng.between(1, 5), rng.between(1, 5)], spatial_scale: scale(rng), layout };
    let x = TensorDesc { shape: x, dtype: float(rng, f16) };
    (spec.into(), vec![x, TensorDesc::f32([count, 5])])
}
