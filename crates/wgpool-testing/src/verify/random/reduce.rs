//! Random axes made one value, or an index.

use super::strided::shape;
use super::{Rng, type_of};
use wgpool::spec::{ArgKind, ArgReduce, Op, Reduce, ReduceKind};
use wgpool::tensor::TensorDesc;

/// A shape with an axis that may be long.
fn long(rng: &mut Rng, rank: usize) -> Vec<usize> {
    let mut shape = shape(rng, rank);
    if rank > 0 && rng.one_in(4) {
        shape.iter_mut().for_each(|length| *length = (*length).min(3));
        shape[rng.between(0, rank - 1)] = rng.between(200, 3000);
    }
    shape
}

/// An axis, counted from either end.
fn axis(rng: &mut Rng, axis: usize, rank: usize) -> isize {
    axis as isize - if rng.one_in(2) { rank as isize } else { 0 }
}

pub(super) fn reduce(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(0, 6);
    let shape = long(rng, rank);
    let some = rng.between(1, 3);
    let mut axes: Vec<isize> = Vec::new();
    for at in 0..rank {
        if rng.one_in(some) {
            axes.push(axis(rng, at, rank));
        }
    }
    let kind = ReduceKind::ALL[rng.between(0, ReduceKind::ALL.len() - 1)];
    let op = Reduce::new(kind, axes).keepdims(rng.one_in(2));
    let dtype = type_of(rng, op.clone(), f16);
    (op.into(), vec![TensorDesc { shape, dtype }])
}

pub(super) fn arg(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 4);
    let shape = long(rng, rank);
    let kind = if rng.one_in(2) { ArgKind::Max } else { ArgKind::Min };
    let at = rng.between(0, rank - 1);
    let op = ArgReduce::new(kind, axis(rng, at, rank));
    let op = op.keepdims(rng.one_in(2)).select_last(rng.one_in(2));
    let dtype = type_of(rng, op, f16);
    (op.into(), vec![TensorDesc { shape, dtype }])
}
