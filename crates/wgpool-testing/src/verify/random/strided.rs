//! Random copies of elements: by strides, one behind the other, with padding.

use super::{Rng, type_of};
use wgpool::spec::{AsStrided, Concat, Op, Pad, PadMode};
use wgpool::tensor::{DType, TensorDesc};

/// A shape of up to `rank` axes, whose last one may be of whole vectors.
pub(super) fn shape(rng: &mut Rng, rank: usize) -> Vec<usize> {
    let most = [1, 300, 40, 12, 7, 5, 4, 3, 2, 2][rank.min(9)];
    let mut shape: Vec<usize> =
        (0..rank).map(|_| if rng.one_in(6) { 1 } else { rng.between(1, most) }).collect();
    if let Some(last) = shape.last_mut()
        && rng.one_in(2)
    {
        *last = [4, 8, 16, 32][rng.between(0, 3)];
    }
    if !shape.is_empty() && rng.one_in(20) {
        let axis = rng.between(0, shape.len() - 1);
        shape[axis] = 0;
    }
    shape
}

pub(super) fn as_strided(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(0, 6);
    let x = shape(rng, rank);
    let within =
        |rng: &mut Rng, axis: usize| rng.between(0, x[axis] + 2) as isize - rng.between(0, 3) as isize;
    let (op, x) = match rng.between(0, 3) {
        0 => {
            let mut order: Vec<usize> = (0..rank).collect();
            (0..rank).for_each(|i| order.swap(i, rng.between(i, rank - 1)));
            (AsStrided::transpose(&x, &order), x)
        }
        1 => {
            let starts: Vec<isize> = (0..rank).map(|axis| within(rng, axis)).collect();
            let ends: Vec<isize> = (0..rank).map(|axis| within(rng, axis)).collect();
            let steps: Vec<isize> = (0..rank).map(|_| [1, 1, 1, 2, 3, -1, -2][rng.between(0, 6)]).collect();
            let whole = |axis: usize| [[0, isize::MAX], [-1, isize::MIN]][usize::from(steps[axis] < 0)];
            let [starts, ends] = [(0, starts), (1, ends)].map(|(end, list)| -> Vec<isize> {
                let half = |(axis, at)| if axis % 2 == 0 { whole(axis)[end] } else { at };
                list.into_iter().enumerate().map(half).collect()
            });
            (AsStrided::slice(&x, &starts, &ends, &steps), x)
        }
        2 => {
            let to: Vec<usize> = x.iter().map(|&n| if n == 1 { rng.between(1, 6) } else { n }).collect();
            let to = [&[3, 2][..rng.between(0, 2)], &to].concat();
            (AsStrided::expand(&x, &to), x)
        }
        // Any strides, of as many elements as they reach.
        _ => {
            let strides: Vec<isize> = x.iter().map(|_| rng.between(0, 40) as isize - 20).collect();
            let span = |sign: isize| {
                x.iter().zip(&strides).map(move |(&n, &s)| (n.max(1) - 1) * (sign * s).max(0) as usize)
            };
            let (below, above): (usize, usize) = (span(-1).sum(), span(1).sum());
            let offset = below + rng.between(0, 2);
            (Ok(AsStrided::new(x, strides, offset)), vec![offset + above + 1 + rng.between(0, 3)])
        }
    };
    let op = op.map_or_else(|_| AsStrided::new([], [], 0).into(), Op::from);
    let dtype = type_of(rng, op.clone(), f16);
    (op, vec![TensorDesc { shape: x, dtype }])
}

pub(super) fn concat(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(1, 5);
    let first = shape(rng, rank);
    let axis = rng.between(0, rank - 1);
    let op = Concat { axis: axis as isize - if rng.one_in(2) { rank as isize } else { 0 } };
    let dtype = type_of(rng, op, f16);
    let lengths = [[0, 1, 2, 3], [4, 8, 16, 32]][rng.between(0, 1)];
    let input = |rng: &mut Rng| {
        let mut shape = first.clone();
        shape[axis] = lengths[rng.between(0, 3)];
        TensorDesc { shape, dtype }
    };
    let count = if rng.one_in(8) { 20 } else { rng.between(1, 4) };
    (op.into(), (0..count).map(|_| input(rng)).collect())
}

pub(super) fn pad(rng: &mut Rng, f16: bool) -> (Op, Vec<TensorDesc>) {
    let rank = rng.between(0, 5);
    let shape = shape(rng, rank);
    let vectors = [1, 1, 4, 16][rng.between(0, 3)];
    let seldom = rng.between(1, 3);
    let mut ends = || -> Vec<isize> {
        let end = |axis| {
            let unit = if axis + 1 == rank { vectors } else { 1 };
            if rng.one_in(seldom) { (rng.between(0, 4) as isize - 1) * unit } else { 0 }
        };
        (0..rank).map(end).collect()
    };
    let op = Pad::new(ends(), ends());
    let dtype = type_of(rng, op.clone(), f16);
    let constant = match dtype {
        DType::U8 => rng.between(0, 255) as f32,
        DType::I8 | DType::I32 => rng.between(0, 255) as f32 - 128.0,
        _ => [0.0, -0.0, -1.5, 1.0][rng.between(0, 3)],
    };
    let modes = [PadMode::Constant(constant), PadMode::Reflect, PadMode::Edge, PadMode::Wrap];
    (op.mode(modes[rng.between(0, 3)]).into(), vec![TensorDesc { shape, dtype }])
}
