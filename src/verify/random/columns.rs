//! Random windows that are added up to images.

use super::{Rng, float, padding, small};
use crate::geometry::Windows;
use crate::spec::{Col2Im, Op};
use crate::tensor::TensorDesc;

pub(super) fn col2im(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 3);
    let longest = [70, 23, 9][rank - 1];
    let most = if rank == 1 && rng.one_in(3) { 60 } else { 4 };
    let op = Col2Im {
        image: (0..rank).map(|_| rng.between(1, longest)).collect(),
        window: (0..rank).map(|_| rng.between(1, most)).collect(),
        stride: small(rng, rank, 4),
        dilation: small(rng, rank, 3),
        padding: padding(rng, rank, 4),
    };
    let windows = Windows { stride: &op.stride, dilation: &op.dilation, padding: &op.padding };
    // What cannot be placed is thrown away later.
    let axes = windows.over("random", &op.image, &op.window, false).unwrap_or_default();
    let taps: usize = op.window.iter().product();
    let places: usize = axes.iter().map(|axis| axis.output).product();
    let batch = if rng.one_in(12) { 0 } else { rng.between(1, 3) };
    let shape = vec![batch, taps * rng.between(1, 5), places];
    let dtype = float(rng, f16);
    (op.into(), vec![TensorDesc { shape, dtype }])
}
