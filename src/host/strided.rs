//! Strided copies, concatenation and padding: rows as they lie wherever they lie so, and blocks of what is transposed.

use std::ops::Range;

use super::output::{WORTH_SHARING, fill};
use super::rows::Rows;
use crate::dtype::{Data, Element, of_any};
use crate::error::Result;
use crate::memory;
use crate::problem::{StridedAxis, StridedPiece, StridedWork};
use crate::spec::PadMode;
use crate::tensor::Tensor;

/// Elements that a thread takes at a time.
const CHUNK: usize = 1 << 13;

/// Rows and columns of a block that is transposed: what a line of the cache holds.
const BLOCK: usize = 16;

pub(super) fn strided(work: &StridedWork, inputs: &[&Tensor]) -> Result<Vec<Data>> {
    let Some(first) = inputs.first() else { return Ok(Vec::new()) };
    let data = of_any!(first.data(), x => match work.pieces.as_slice() {
        [piece] => gathered(work, piece, x)?.into(),
        pieces => joined(pieces, x, inputs)?.into(),
    });
    Ok(vec![data])
}

/// Inputs of the first one's type, runs of each in turn.
fn joined<T: Element>(pieces: &[StridedPiece], _first: &[T], inputs: &[&Tensor]) -> Result<Vec<T>> {
    let elements = pieces.iter().map(StridedPiece::elements).sum();
    let pitch = pieces.first().map_or(1, |piece| piece.pitch);
    let inputs: Vec<&[T]> = inputs.iter().map(|x| bytemuck::cast_slice(x.data().as_bytes())).collect();
    fill(elements, CHUNK, WORTH_SHARING / CHUNK, |i, mut out: &mut [T]| {
        let mut at = i * CHUNK;
        while !out.is_empty() {
            let (row, column) = (at / pitch, at % pitch);
            // Of several that begin here all but the last are empty.
            let number = pieces.partition_point(|piece| piece.to <= column) - 1;
            let StridedPiece { to, run, .. } = pieces[number];
            let (now, rest) = out.split_at_mut((to + run - column).min(out.len()));
            now.copy_from_slice(&inputs[number][row * run + column - to..][..now.len()]);
            (at, out) = (at + now.len(), rest);
        }
    })
}

fn gathered<T: Element>(work: &StridedWork, piece: &StridedPiece, x: &[T]) -> Result<Vec<T>> {
    let axes = work.joined(piece);
    if let Some(at) = transposed_axis(&axes) {
        return transposed(&axes, at, piece.offset, x);
    }
    let [outer @ .., last] = axes.as_slice() else { return Ok(Vec::new()) };
    let constant = if let PadMode::Constant(value) = work.outside { value } else { 0.0 };
    let constant = T::rounded(f64::from(constant));
    let runs = runs(last, work.outside)?;
    fill(piece.elements(), CHUNK, WORTH_SHARING / CHUNK, |i, mut out: &mut [T]| {
        let (row, mut column) = (i * CHUNK / last.length, i * CHUNK % last.length);
        let mut rows = Rows::new(outer, work.outside, piece.offset as isize, row);
        while !out.is_empty() {
            let (now, rest) = out.split_at_mut((last.length - column).min(out.len()));
            match rows.base() {
                Some(base) => copy_row(now, column, &runs, base, x, constant),
                None => now.fill(constant),
            }
            (column, out) = (0, rest);
            rows.advance();
        }
    })
}

/// Neighbours along the last axis that are as far from each other in the input.
struct Run {
    begin: usize,
    length: usize,
    /// Where the first lies, if not outside.
    from: Option<isize>,
    step: isize,
}

/// The runs of an axis: what is before its positions, these, and what is after them.
fn runs(axis: &StridedAxis, outside: PadMode) -> Result<Vec<Run>> {
    let end = axis.before + axis.input;
    let mut runs = runs_outside(axis, outside, 0..axis.before)?;
    runs.push(Run { begin: axis.before, length: axis.input, from: Some(0), step: axis.stride });
    memory::extend(&mut runs, runs_outside(axis, outside, end..axis.length)?)?;
    Ok(runs)
}

fn runs_outside(axis: &StridedAxis, outside: PadMode, elements: Range<usize>) -> Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for begin in elements {
        let from = axis.position(begin, outside).map(|at| at as isize * axis.stride);
        match (runs.last_mut(), from) {
            (Some(run), None) if run.from.is_none() => run.length += 1,
            (Some(Run { length, from: Some(first), step, .. }), Some(from))
                if *length == 1 || from == *first + *length as isize * *step =>
            {
                (*step, *length) = ((from - *first) / *length as isize, *length + 1);
            }
            _ => memory::extend(&mut runs, [Run { begin, length: 1, from, step: 0 }])?,
        }
    }
    Ok(runs)
}

/// A row, or a part of it from a column on.
fn copy_row<T: Copy>(mut out: &mut [T], mut column: usize, runs: &[Run], base: isize, x: &[T], constant: T) {
    let first = runs.partition_point(|run| run.begin + run.length <= column);
    for run in &runs[first..] {
        if out.is_empty() {
            return;
        }
        let skipped = column - run.begin;
        let (now, rest) = out.split_at_mut((run.length - skipped).min(out.len()));
        match run.from {
            Some(from) => copy_run(now, x, base + from + skipped as isize * run.step, run.step),
            None => now.fill(constant),
        }
        (column, out) = (column + now.len(), rest);
    }
}

fn copy_run<T: Copy>(out: &mut [T], x: &[T], from: isize, step: isize) {
    match step {
        1 => out.copy_from_slice(&x[from as usize..][..out.len()]),
        0 => out.fill(x[from as usize]),
        _ => {
            for (i, out) in (0..).zip(out) {
                *out = x[(from + i * step) as usize];
            }
        }
    }
}

/// The axis whose neighbours lie side by side, where those along the last do not.
fn transposed_axis(axes: &[StridedAxis]) -> Option<usize> {
    let (last, outer) = axes.split_last()?;
    let whole = axes.iter().all(StridedAxis::is_whole) && last.stride.unsigned_abs() > 1;
    outer.iter().position(|axis| axis.stride == 1 && axis.length >= BLOCK / 2).filter(|_| whole)
}

/// Blocks of neighbours along axis `at` and along the last: each line of the cache is read once.
fn transposed<T: Element>(axes: &[StridedAxis], at: usize, offset: usize, x: &[T]) -> Result<Vec<T>> {
    let (outer, inner) = axes.split_at(at + 1);
    let [middle @ .., last] = inner else { return Ok(Vec::new()) };
    let elements = |axes: &[StridedAxis]| axes.iter().map(|axis| axis.length).product::<usize>();
    let (row, beside) = (elements(inner), axes[at].length);
    let block = BLOCK * row;
    fill(elements(axes), block, WORTH_SHARING.div_ceil(block), |i, mut out: &mut [T]| {
        let mut first = i * BLOCK;
        while !out.is_empty() {
            let count = (beside - first % beside).min(out.len() / row);
            let (now, rest) = out.split_at_mut(count * row);
            let base = Rows::whole(outer, offset as isize, first).at();
            let mut rows = Rows::whole(middle, base, 0);
            for begin in (0..row).step_by(last.length) {
                let base = rows.at();
                for columns in (0..last.length).step_by(BLOCK) {
                    let width = BLOCK.min(last.length - columns);
                    let from = base + columns as isize * last.stride;
                    for (r, out) in (0..).zip(now.chunks_exact_mut(row)) {
                        copy_run(&mut out[begin + columns..][..width], x, from + r, last.stride);
                    }
                }
                rows.advance();
            }
            (first, out) = (first + count, rest);
        }
    })
}
