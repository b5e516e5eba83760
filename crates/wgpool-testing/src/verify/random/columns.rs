//! Random windows that are added up to images.

use super::{Rng, float, output_lengths, padding, small};
use wgpool::spec::{Col2Im, Op, Pool};
use wgpool::tensor::TensorDesc;

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
    // What cannot be placed is thrown away later.
    let windows = Pool {
        stride: op.stride.clone(),
        dilation: op.dilation.clone(),
        padding: op.padding.clone(),
        ..Pool::max(op.window.clone())
    };
    let image = TensorDesc::f32([&[1, 1], op.image.as_slice()].concat());
    let places: usize = output_lengths(&windows.into(), &[image]).unwrap_or_default().iter().product();
    let taps: usize = op.window.iter().product();
    let batch = if rng.one_in(12) { 0 } else { rng.between(1, 3) };
    let shape = vec![batch, taps * rng.between(1, 5), places];
    let dtype = float(rng, f16);
    (op.into(), vec![TensorDesc { shape, dtype }])
}
