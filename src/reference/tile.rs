//! The bound of elements whose error may depend on all inputs of their tile: see [`Accuracy::Tile`].
//!
//! [`Accuracy::Tile`]: crate::Accuracy::Tile

use super::Exact;
use super::tolerance::UNIT;
use crate::error::Result;
use crate::memory;
use crate::problem::winograd::{WINOGRAD, Winograd};
use crate::problem::{ConvWork, Epilogue};

/// Roundings of a product's way to the output, without the sum over channels:
/// - 8 of the weights' transform: twice a product with a constant that is itself rounded, and two additions;
/// - 6 of the inputs': twice a product with 5 and two additions, or exact products and three additions;
/// - 1 of the product itself;
/// - 8 of the outputs': twice four additions, whose constants are powers of two;
/// - 1 of the bias.
///
/// A residual is one more.
const ROUNDINGS: f64 = 24.0;

/// Channels that are summed in one chain at most; chains are summed after each other.
const CHAIN: f64 = 64.0;

/// Where numbers are so small that roundings lose a fixed amount (2^-126 where subnormal numbers count as 0), it is
/// as if inputs and weights were this much larger: 2^-126 / UNIT, over the least sum of coefficients that it meets on its
/// way through both transforms of the weights, 1/16.
const TINY: f64 = 1.0 / (1u128 << 98) as f64;

/// Magnitudes of the transformed weights or inputs of a channel, point by point.
type Points = [f64; 36];

/// Widens the bounds of sums: each is the larger of what it is and what Winograd's algorithms may be off by.
pub(super) fn widen(
    work: &ConvWork,
    x: &[f64],
    w: &[f64],
    epilogue: Epilogue<f64>,
    y: &mut Exact,
) -> Result<()> {
    let [_, rows, columns] = work.axes.map(|a| a.output);
    for f in WINOGRAD {
        let mut all = memory::room(work.out_channels() * work.group_in)?;
        for o in 0..work.out_channels() {
            all.extend((0..work.group_in).map(|c| weights(f, work, w, o, c)));
        }
        for n in 0..work.batch {
            for group in 0..work.groups {
                for row in (0..rows).step_by(f.outputs) {
                    for column in (0..columns).step_by(f.outputs) {
                        let first = group * work.group_in;
                        let inputs = memory::collected(
                            (0..work.group_in).map(|c| inputs(f, work, x, n, first + c, [row, column])),
                        )?;
                        for o in group * work.group_out..(group + 1) * work.group_out {
                            let weights = &all[o * work.group_in..][..work.group_in];
                            let sums = products(inputs.iter().zip(weights).map(|(x, w)| (*x, *w)));
                            for i in row..rows.min(row + f.outputs) {
                                for j in column..columns.min(column + f.outputs) {
                                    let bound = bound(
                                        f,
                                        work,
                                        &sums,
                                        added(work, epilogue, (n, o), [i, j]),
                                        [i - row, j - column],
                                    );
                                    let at = work.output.at(n, o, [0, i, j]);
                                    y.bound[at] = y.bound[at].max(bound);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// The bound of one element, if it is larger than `of_element`.
pub(super) fn element(
    work: &ConvWork,
    [x, w]: [&[f64]; 2],
    epilogue: Epilogue<f64>,
    (n, o): (usize, usize),
    [row, column]: [usize; 2],
    of_element: f64,
) -> f64 {
    let first = o / work.group_out * work.group_in;
    WINOGRAD.into_iter().fold(of_element, |largest, f| {
        let in_tile = [row % f.outputs, column % f.outputs];
        let tile = [row - in_tile[0], column - in_tile[1]];
        let channels = 0..work.group_in;
        let pairs = channels.map(|c| (inputs(f, work, x, n, first + c, tile), weights(f, work, w, o, c)));
        largest.max(bound(f, work, &products(pairs), added(work, epilogue, (n, o), [row, column]), in_tile))
    })
}

/// `|G| |g| |G^T|`.
fn weights(f: &Winograd, work: &ConvWork, w: &[f64], o: usize, c: usize) -> Points {
    let ks = work.kernel;
    let at = |i: usize, j: usize| w[o * ks.o + c * ks.i + i * ks.space[1] + j * ks.space[2]].abs() + TINY;
    both_sides(f.points, 3, |p, i| f.weights[p][i].abs(), at)
}

/// `|B^T| |d| |B|` of the tile whose first output is at `tile`; 0 in the padding and behind it.
fn inputs(f: &Winograd, work: &ConvWork, x: &[f64], n: usize, c: usize, tile: [usize; 2]) -> Points {
    let [_, rows, columns] = &work.axes;
    let inside = |a: &crate::geometry::Axis, first: usize, tap: usize| {
        usize::try_from(a.start(first) + tap as isize).ok().filter(|&at| at < a.input)
    };
    let at = |i: usize, j: usize| match (inside(rows, tile[0], i), inside(columns, tile[1], j)) {
        (Some(i), Some(j)) => x[work.input.at(n, c, [0, i, j])].abs() + TINY,
        _ => TINY,
    };
    both_sides(f.points, f.points, |p, i| f.input[p][i].abs(), at)
}

/// `m d m^T` for a matrix of `rows` by `columns`. Factors of 0 are no terms: what they would meet may be infinite.
fn both_sides(
    rows: usize,
    columns: usize,
    m: impl Fn(usize, usize) -> f64,
    d: impl Fn(usize, usize) -> f64,
) -> Points {
    let times = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * b };
    let mut half = [0.0; 36];
    let mut whole = [0.0; 36];
    for p in 0..rows {
        for j in 0..columns {
            half[p * columns + j] = (0..columns).map(|i| times(m(p, i), d(i, j))).sum();
        }
        for q in 0..rows {
            whole[p * rows + q] = (0..columns).map(|j| times(m(q, j), half[p * columns + j])).sum();
        }
    }
    whole
}

/// The sum over channels of the products, point by point.
fn products(pairs: impl Iterator<Item = (Points, Points)>) -> Points {
    let mut sums = [0.0; 36];
    for (x, w) in pairs {
        for (sum, (x, w)) in sums.iter_mut().zip(x.iter().zip(&w)) {
            *sum += x * w + TINY;
        }
    }
    sums
}

/// Magnitudes of what is added to the products of an element: bias and residual.
fn added(work: &ConvWork, epilogue: Epilogue<f64>, (n, o): (usize, usize), [row, column]: [usize; 2]) -> f64 {
    epilogue.bias_of(o).abs() + epilogue.residual_at(work.output.at(n, o, [0, row, column])).abs()
}

/// The bound at one place of a tile, of products to which so much is added; 0 where the algorithm computes it from anything infinite or NaN, so that the
/// element's own bound stands.
fn bound(f: &Winograd, work: &ConvWork, sums: &Points, added: f64, [i, j]: [usize; 2]) -> f64 {
    let mut magnitude = added;
    for (p, a) in f.output[i].iter().enumerate() {
        for (q, b) in f.output[j].iter().enumerate() {
            let (factor, sum) = ((a * b).abs(), sums[p * f.points + q]);
            if factor != 0.0 && !sum.is_finite() {
                return 0.0;
            }
            magnitude += if factor == 0.0 { 0.0 } else { factor * sum };
        }
    }
    let channels = work.group_in as f64;
    let roundings =
        (ROUNDINGS + f64::from(u8::from(work.residual)) + channels.min(CHAIN) + (channels / CHAIN).ceil())
            * UNIT;
    roundings / (1.0 - roundings) * magnitude
}
