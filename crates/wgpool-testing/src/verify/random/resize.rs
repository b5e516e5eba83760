//! Random interpolation.

use super::{Rng, type_of};
use wgpool::spec::{NearestRounding, Op, Resize, ResizeCoordinates, ResizeMode};
use wgpool::tensor::TensorDesc;

pub(super) fn resize(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 5);
    let most = [60, 30, 12, 7, 5][rank - 1];
    let shape: Vec<usize> = (0..rank).map(|_| if rng.one_in(6) { 1 } else { rng.between(1, most) }).collect();
    let given = rng.one_in(3);
    let (mut to, mut scales) = (Vec::new(), Vec::new());
    for &length in &shape {
        let factor = [1.0, 1.0, 2.0, 0.5, 3.0, 1.5, 0.6, 0.8][rng.between(0, 7)];
        scales.push(factor);
        to.push(match given {
            true => (length as f64 * f64::from(factor)).floor() as usize,
            false if rng.one_in(2) => length,
            false => rng.between(1, 2 * length + 3),
        });
    }
    let roundings = [
        NearestRounding::RoundPreferFloor,
        NearestRounding::RoundPreferCeil,
        NearestRounding::Floor,
        NearestRounding::Ceil,
    ];
    let mode = match rng.between(0, 2) {
        0 => ResizeMode::Nearest(roundings[rng.between(0, 3)]),
        1 => ResizeMode::Linear,
        _ => ResizeMode::Cubic {
            coefficient: [-0.75, -0.5][rng.between(0, 1)],
            exclude_outside: rng.one_in(2),
        },
    };
    let coordinates = [
        ResizeCoordinates::HalfPixel,
        ResizeCoordinates::HalfPixelSymmetric,
        ResizeCoordinates::PytorchHalfPixel,
        ResizeCoordinates::Asymmetric,
        ResizeCoordinates::AlignCorners,
    ][rng.between(0, 4)];
    let op = Resize { shape: to, scales: given.then_some(scales), mode, coordinates };
    let dtype = type_of(rng, op.clone(), f16);
    (op.into(), vec![TensorDesc { shape, dtype }])
}
