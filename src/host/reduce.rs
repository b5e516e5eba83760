//! Axes made one value: rows of what stays side by side, or of what is reduced, in 64-bit floats.

use rayon::prelude::*;

use super::element;
use super::exp::exp;
use super::output::{WORTH_SHARING, fill, try_fill};
use super::repeated;
use super::rows::Rows;
use crate::error::Result;
use crate::memory;
use crate::problem::{ArgWork, ReduceWork};
use crate::spec::{ArgKind, ReduceKind};
use crate::tensor::{Data, Tensor};

/// Chains of additions side by side.
const LANES: usize = 16;

/// Outputs side by side of which several rows are taken as one.
const REPEATED: usize = 256;

/// Outputs side by side that a task takes at a time.
const BESIDE: usize = 256;

/// How an element joins what is known, and two parts of it each other.
struct Fold<S, A, J> {
    start: S,
    /// The element's output may have a number of its own: the largest of its elements.
    add: A,
    join: J,
}

/// Takes NaN, which stays.
#[inline(always)]
fn larger(most: f32, x: f32) -> f32 {
    if x > most || x.is_nan() { x } else { most }
}

/// A product as a number and a power of two, so that no part of it leaves the range.
type Product = (f64, i32);

/// Every factor is a float of 32 bits: neither it nor its product with a number from 1 to 2 leaves the range of 64.
#[inline(always)]
fn product(a: Product, b: Product) -> Product {
    let number = a.0 * b.0;
    let exponent = ((number.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    if exponent == 1024 || number == 0.0 {
        return (number, 0);
    }
    let number = f64::from_bits(number.to_bits() & !(0x7ff << 52) | 1023 << 52);
    (number, a.1.saturating_add(b.1).saturating_add(exponent))
}

pub(super) fn reduce(work: &ReduceWork, x: &Tensor) -> Result<Vec<Data>> {
    let x = &element::floats(x)?[..];
    let count = work.length() as f64;
    let largest = |sign: f32| {
        let add = move |most, x, _| larger(most, sign * x);
        let fold = Fold { start: f32::NEG_INFINITY, add, join: larger };
        folded(work, x, &[], &fold)
    };
    let of = |values: Vec<f64>, f: &dyn Fn(f64) -> f64| -> Result<Vec<f32>> {
        memory::collected(values.into_iter().map(|value| f(value) as f32))
    };
    let plain = || sums(work, x, &[], |x, _| f64::from(x));
    let squares = || sums(work, x, &[], |x, _| f64::from(x) * f64::from(x));
    let y = match work.kind {
        ReduceKind::Sum => of(plain()?, &|sum| sum)?,
        ReduceKind::Mean => of(plain()?, &|sum| sum / count)?,
        ReduceKind::L1 => of(sums(work, x, &[], |x, _| f64::from(x.abs()))?, &|sum| sum)?,
        ReduceKind::L2 => of(squares()?, &f64::sqrt)?,
        ReduceKind::SumSquare => of(squares()?, &|sum| sum)?,
        ReduceKind::LogSum => of(plain()?, &f64::ln)?,
        ReduceKind::Max => largest(1.0)?,
        ReduceKind::Min => memory::collected(largest(-1.0)?.into_iter().map(|least| -least))?,
        ReduceKind::Prod => {
            let fold =
                Fold { start: (1.0, 0), add: |all, x, _| product(all, (f64::from(x), 0)), join: product };
            let half = |power: i32| 2f64.powi(power.clamp(-1000, 1000));
            let value = |(number, power): Product| number * half(power / 2) * half(power - power / 2);
            memory::collected(folded(work, x, &[], &fold)?.into_iter().map(|product| value(product) as f32))?
        }
        ReduceKind::LogSumExp => {
            let largest = largest(1.0)?;
            let sums = sums(work, x, &largest, |x, largest| f64::from(exp(x - largest)))?;
            let value = |(sum, &most): (f64, &f32)| match most.is_finite() {
                true => (sum.ln() + f64::from(most)) as f32,
                false => most,
            };
            memory::collected(sums.into_iter().zip(&largest).map(value))?
        }
    };
    Ok(vec![element::stored(work.dtype, y)?])
}

/// The sum of `term` of each element and its output's number.
fn sums(
    work: &ReduceWork,
    x: &[f32],
    numbers: &[f32],
    term: impl Fn(f32, f32) -> f64 + Copy + Sync + Send,
) -> Result<Vec<f64>> {
    let add = move |sum, x, number| sum + term(x, number);
    folded(work, x, numbers, &Fold { start: 0.0, add, join: |a: f64, b: f64| a + b })
}

/// What is known of each output.
fn folded<S, A, J>(work: &ReduceWork, x: &[f32], numbers: &[f32], fold: &Fold<S, A, J>) -> Result<Vec<S>>
where
    S: Copy + Default + Send + Sync,
    A: Fn(S, f32, f32) -> S + Copy + Sync + Send,
    J: Fn(S, S) -> S + Copy + Sync + Send,
{
    let ([outer @ .., last], [.., row]) = (work.kept.as_slice(), work.reduced.as_slice()) else {
        return Ok(Vec::new());
    };
    let (outputs, count) = (work.outputs(), work.length());
    if count == 0 {
        return memory::filled(fold.start, outputs);
    }
    let number = |output: usize| numbers.get(output).copied().unwrap_or(0.0);
    let batch = WORTH_SHARING.div_ceil(count.max(1));
    // Outputs that lie side by side, each row of them behind the one before.
    if last.stride == 1 && row.stride == last.length as isize && (2..=REPEATED).contains(&last.length) {
        return repeated::repeated(work, x, numbers, fold.start, fold.add, fold.join);
    }
    // Outputs that lie side by side, as what is reduced does not.
    if last.stride == 1 && last.length > 1 && (row.stride != 1 || row.length < LANES) {
        let width = last.length.min(BESIDE);
        let per_row = last.length.div_ceil(width);
        let pieces = outputs / last.length.max(1) * per_row;
        let of_piece = |piece: usize| {
            let (row, column) = (piece / per_row, piece % per_row * width);
            (row, column, width.min(last.length - column))
        };
        // Pieces of a row may be shorter than others, so each is put where it belongs afterwards.
        let all = try_fill(pieces * width, width, batch.div_ceil(width), |piece, out: &mut [S]| {
            let (row, column, width) = of_piece(piece);
            let first = row * last.length + column;
            let base = Rows::whole(outer, column as isize, row).at();
            let numbers = memory::collected((first..first + width).map(number))?;
            let out = &mut out[..width];
            out.fill(fold.start);
            let mut rows = Rows::whole(&work.reduced, base, 0);
            for _ in 0..count {
                let x = &x[rows.at() as usize..][..width];
                beside(out, x, &numbers, fold.add);
                rows.advance();
            }
            Ok(())
        })?;
        if width == last.length {
            return Ok(all);
        }
        let piece = |piece: usize| all[piece * width..][..of_piece(piece).2].iter().copied();
        return memory::collected((0..pieces).flat_map(piece));
    }
    let rows = count / row.length.max(1);
    let before = &work.reduced[..work.reduced.len() - 1];
    let one = |output: usize, x: &[f32]| -> S {
        let (mut all, number) = (fold.start, number(output));
        let mut at = Rows::whole(before, Rows::whole(&work.kept, 0, output).at(), 0);
        for _ in 0..rows {
            let x = &x[at.at() as usize..];
            let part = match row.stride {
                1 => slice(&x[..row.length], number, fold),
                stride => x
                    .iter()
                    .step_by(stride.unsigned_abs())
                    .take(row.length)
                    .fold(fold.start, |all, &x| (fold.add)(all, x, number)),
            };
            all = (fold.join)(all, part);
            at.advance();
        }
        all
    };
    // Too few outputs to occupy all threads: each is shared out.
    if outputs < rayon::current_num_threads() && row.stride == 1 && rows == 1 && count >= 2 * WORTH_SHARING {
        let of_output = |output: usize| {
            let base = Rows::whole(&work.kept, 0, output).at() as usize;
            let pieces = x[base..][..count].par_chunks(WORTH_SHARING);
            let pieces: Vec<S> = pieces.map(|x| slice(x, number(output), fold)).collect();
            pieces.into_iter().fold(fold.start, fold.join)
        };
        return memory::collected((0..outputs).map(of_output));
    }
    fill(outputs, batch, 1, |i, out: &mut [S]| {
        for (output, out) in (i * batch..).zip(out) {
            *out = one(output, x);
        }
    })
}

/// A row joins outputs that lie side by side.
fn beside<S: Copy>(all: &mut [S], x: &[f32], numbers: &[f32], add: impl Fn(S, f32, f32) -> S + Copy) {
    wide!(|_| {
        for ((all, &x), &number) in all.iter_mut().zip(x).zip(numbers) {
            *all = add(*all, x, number);
        }
    });
}

/// A row of one output.
fn slice<S: Copy, A, J>(x: &[f32], number: f32, fold: &Fold<S, A, J>) -> S
where
    A: Fn(S, f32, f32) -> S,
    J: Fn(S, S) -> S,
{
    wide!(|_| {
        let mut lanes = [fold.start; LANES];
        let (blocks, rest) = x.as_chunks::<LANES>();
        for block in blocks {
            for (lane, &x) in lanes.iter_mut().zip(block) {
                *lane = (fold.add)(*lane, x, number);
            }
        }
        let rest = rest.iter().fold(fold.start, |all, &x| (fold.add)(all, x, number));
        lanes.into_iter().fold(rest, |all, lane| (fold.join)(all, lane))
    })
}

pub(super) fn arg(work: &ArgWork, x: &Tensor) -> Result<Vec<Data>> {
    let x = &element::floats(x)?[..];
    let &ArgWork { outer, length, inner, kind, last, .. } = work;
    let batch = WORTH_SHARING.div_ceil(length);
    let indices = fill(outer * inner, batch, 1, |i, out: &mut [i32]| {
        for (row, out) in (i * batch..).zip(out) {
            let x = x[row / inner * length * inner + row % inner..].iter().step_by(inner).take(length);
            let mut best = (f32::NEG_INFINITY, None);
            for (i, &x) in (0..).zip(x) {
                let x = if kind == ArgKind::Max { x } else { -x };
                let same = x == best.0 || x.is_nan() && best.0.is_nan();
                let is_before = x > best.0 || x.is_nan() && !best.0.is_nan();
                if is_before || same && (last || best.1.is_none()) {
                    best = (x, Some(i));
                }
            }
            *out = best.1.unwrap_or(0);
        }
    })?;
    Ok(vec![indices.into()])
}
