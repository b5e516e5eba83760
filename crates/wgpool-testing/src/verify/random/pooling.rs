//! Random pooling and unpooling.

use super::{Rng, float, image, large_image, layout, padding, small, type_of};
use wgpool::spec::{
    AdaptivePool, FractionalMaxPool, GlobalPool, IndexNumbering, Layout, MaxUnpool, Op, Padding, Pool,
    PoolKind,
};
use wgpool::tensor::{DType, TensorDesc};

/// A type that max pooling takes.
fn any_type(rng: &mut Rng, f16: bool) -> DType {
    type_of(rng, Pool::max(1), f16)
}

fn indices(rng: &mut Rng) -> Option<IndexNumbering> {
    match rng.between(0, 5) {
        0 => Some(IndexNumbering::PerPlane),
        1 => Some(IndexNumbering::WholeRowMajor),
        2 => Some(IndexNumbering::WholeColumnMajor),
        _ => None,
    }
}

fn mean(rng: &mut Rng) -> PoolKind {
    PoolKind::Average {
        count_include_pad: rng.one_in(2),
        divisor: rng.one_in(6).then(|| rng.between(1, 9) as u32),
    }
}

fn norm(rng: &mut Rng) -> PoolKind {
    let p = [1.0, 2.0, 3.0, 1.5, 7.0, 20.0, 100.0, 200.0][rng.between(0, 7)];
    if rng.one_in(3) { PoolKind::LpTorch { p } } else { PoolKind::Lp { p } }
}

/// Max or average, as pooling behind a convolution may be.
pub(super) fn max_or_mean(rng: &mut Rng) -> PoolKind {
    if rng.one_in(2) { PoolKind::Max } else { mean(rng) }
}

/// Pooling of `rank` axes whose windows reach at most `most` elements.
pub(super) fn window(rng: &mut Rng, kind: PoolKind, rank: usize, layout: Layout, most: usize) -> Pool {
    Pool {
        kind,
        window: (0..rank).map(|_| rng.between(1, most)).collect(),
        stride: (0..rank).map(|_| rng.between(1, 4)).collect(),
        dilation: small(rng, rank, 3),
        padding: padding(rng, rank, most.min(4)),
        ceil_mode: rng.one_in(2),
        indices: None,
        layout,
    }
}

fn sliding(rng: &mut Rng, kind: PoolKind, dtype: DType) -> (Pool, TensorDesc) {
    // Four in ten are as networks have them: small square windows, half of which touch and divide the image.
    let common = rng.between(1, 10) <= 4;
    let rank = if common { 2 } else { rng.between(1, 3) };
    let layout = layout(rng);
    let most = if rng.one_in(8) { 13 } else { 5 };
    let mut pool = window(rng, kind, rank, layout, most);
    let large = rng.one_in(8);
    let mut shape = if large { large_image(rng, rank, layout, 7) } else { image(rng, rank, layout, 7) };
    if common {
        pool.window = vec![rng.between(2, 3)];
    }
    if common && rng.one_in(2) {
        pool.stride = pool.window.clone();
        pool.dilation = vec![1];
        pool.padding = Padding::symmetric([rng.between(0, 1), 0]);
        let space = if layout == Layout::Nchw { 2..4 } else { 1..3 };
        shape[space].iter_mut().for_each(|length| *length = length.next_multiple_of(8));
    }
    (pool, TensorDesc { shape, dtype })
}

pub(super) fn max(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let dtype = any_type(rng, f16);
    let (mut pool, x) = sliding(rng, PoolKind::Max, dtype);
    pool.indices = indices(rng);
    (pool.into(), vec![x])
}

pub(super) fn average(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let kind = mean(rng);
    let dtype = float(rng, f16);
    let (pool, x) = sliding(rng, kind, dtype);
    (pool.into(), vec![x])
}

pub(super) fn lp(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let kind = norm(rng);
    let dtype = float(rng, f16);
    let (pool, x) = sliding(rng, kind, dtype);
    (pool.into(), vec![x])
}

pub(super) fn global(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let kind = match rng.between(0, 2) {
        0 => PoolKind::Max,
        1 => mean(rng),
        _ => norm(rng),
    };
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let dtype = if kind == PoolKind::Max { any_type(rng, f16) } else { float(rng, f16) };
    let shape = if rng.one_in(8) { large_image(rng, rank, layout, 7) } else { image(rng, rank, layout, 7) };
    (GlobalPool { kind, layout }.into(), vec![TensorDesc { shape, dtype }])
}

pub(super) fn adaptive(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let shape = image(rng, rank, layout, 7);
    // More windows than elements are legal.
    let output = space(&shape, layout).iter().map(|&l| rng.between(1, l + l / 2 + 1)).collect();
    let (kind, dtype, indices) = if rng.one_in(2) {
        (PoolKind::Max, any_type(rng, f16), indices(rng))
    } else {
        let kind = PoolKind::Average { count_include_pad: rng.one_in(2), divisor: None };
        (kind, float(rng, f16), None)
    };
    let spec = AdaptivePool { kind, output, indices, layout };
    (spec.into(), vec![TensorDesc { shape, dtype }])
}

pub(super) fn fractional(rng: &mut Rng) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let shape = image(rng, rank, layout, 7);
    let (mut window, mut output) = (Vec::new(), Vec::new());
    for &length in space(&shape, layout) {
        let taps = rng.between(1, length.min(5));
        window.push(taps);
        output.push(rng.between(1, length - taps + 1));
    }
    let channels = match layout {
        Layout::Nchw => shape[1],
        Layout::Nhwc => shape[rank + 1],
    };
    let samples = TensorDesc::f32([shape[0], channels, rank]);
    let spec = FractionalMaxPool { window, output, indices: indices(rng), layout };
    (spec.into(), vec![TensorDesc::f32(shape), samples])
}

pub(super) fn unpool(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 3);
    let layout = layout(rng);
    let longest = [40, 12, 6][rank - 1];
    let lengths = |rng: &mut Rng| (0..rank).map(|_| rng.between(1, longest)).collect::<Vec<_>>();
    let shape = image(rng, rank, layout, 7);
    let spec = MaxUnpool {
        output: lengths(rng),
        indexed: rng.one_in(3).then(|| lengths(rng)),
        numbering: indices(rng).unwrap_or(IndexNumbering::PerPlane),
        layout,
    };
    let indices = TensorDesc { shape: shape.clone(), dtype: DType::I32 };
    (spec.into(), vec![TensorDesc { shape, dtype: any_type(rng, f16) }, indices])
}

/// The spatial part of a shape.
fn space(shape: &[usize], layout: Layout) -> &[usize] {
    match layout {
        Layout::Nchw => &shape[2..],
        Layout::Nhwc => &shape[1..shape.len() - 1],
    }
}
