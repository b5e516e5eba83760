//! Windows of two or three taps on two axes with stride 2, the commonest of all: every output row in one pass over its
//! input rows.

use super::frame::{Frame, Windows};
use super::reduce::Reduce;
use crate::error::Result;
use crate::geometry::Axis;
use crate::host::element::Source;

/// Windows that are computed side by side.
const BLOCK: usize = 8;

/// Distance from one window of a row to the next.
const STRIDE: usize = 2;

/// Windows of three taps a row that are computed with those between them before every second is kept.
const SPAN: usize = 128;
pub(super) type Dense<T> = [T; SPAN * STRIDE];

/// The buffer that [`slab`] wants; it is made once for a task, for slabs may be small.
pub(super) fn dense<T: Copy>(value: T) -> Dense<T> {
    [value; SPAN * STRIDE]
}

/// Whether all windows are of this kind, and rows long enough for a block.
pub(super) fn pays(frame: &Frame) -> bool {
    let [a0, a1, a2] = &frame.axes;
    let plain = |a: &Axis| !a.adaptive && a.dilation == 1;
    let small = |a: &Axis| plain(a) && a.kernel == a2.kernel && matches!(a.kernel, 2 | 3);
    let (_, inside) = columns(a2);
    frame.inner == 1
        && frame.cut == 1
        && (a0.input, a0.kernel, a0.output) == (1, 1, 1)
        && small(a1)
        && small(a2)
        && a2.stride == STRIDE
        && inside >= BLOCK
}

/// The first window that lies inside the input with all of its taps, and how many follow.
fn columns(a: &Axis) -> (usize, usize) {
    let first = a.pad_before.div_ceil(a.stride).min(a.output);
    let fit = (a.input + a.pad_before).checked_sub(a.kernel).map_or(0, |room| room / a.stride + 1);
    (first, fit.clamp(first, a.output) - first)
}

pub(super) fn slab<R: Reduce>(
    frame: &Frame,
    source: &impl Source<R::T>,
    base: usize,
    windows: &Windows,
    out: &mut [R::T],
    buffer: &mut Vec<R::T>,
    dense: &mut Dense<R::T>,
) -> Result<()> {
    let [_, a1, a2] = &frame.axes;
    // The rows from the first window's first tap to the last one's last.
    let row = |o: usize| a1.start(o).max(0) as usize;
    let first = row(windows[1].start).min(a1.input);
    let last = (row(windows[1].end - 1) + a1.kernel).clamp(first, a1.input);
    let x = source.row(base + first * a2.input, (last - first) * a2.input, buffer)?;
    let strip = Strip { axis: a2, columns: columns(a2) };
    wide!(|_| {
        for (o, out) in windows[1].clone().zip(out.chunks_exact_mut(a2.output)) {
            let start = a1.start(o);
            let end = (start + a1.kernel as isize).clamp(0, a1.input as isize) as usize;
            let from = (start.max(0) as usize).min(end);
            let row = |i: usize| &x[(from + i - first) * a2.input..][..a2.input];
            match end - from {
                3 => strip.of::<R, 3>([row(0), row(1), row(2)], dense, out),
                2 => strip.of::<R, 2>([row(0), row(1)], dense, out),
                1 => strip.of::<R, 1>([row(0)], dense, out),
                _ => out.fill(R::NEUTRAL),
            }
        }
    });
    Ok(())
}

/// The windows of a row.
struct Strip<'a> {
    axis: &'a Axis,
    columns: (usize, usize),
}

impl Strip<'_> {
    #[inline(always)]
    fn of<R: Reduce, const ROWS: usize>(
        &self,
        rows: [&[R::T]; ROWS],
        dense: &mut Dense<R::T>,
        out: &mut [R::T],
    ) {
        let (first, count) = self.columns;
        for o in (0..first).chain(first + count..out.len()) {
            out[o] = self.at_the_edge::<R, ROWS>(rows, o);
        }
        let taps = self.axis.kernel;
        let out = &mut out[first..first + count];
        let mut inside = rows;
        for row in &mut inside {
            *row = &row[first * STRIDE - self.axis.pad_before..][..(count - 1) * STRIDE + taps];
        }
        match taps {
            2 => twos::<R, ROWS>(inside, out),
            _ => threes::<R, ROWS>(inside, dense, out),
        }
    }

    /// Window `o`, of which a part lies outside the input.
    #[inline(always)]
    fn at_the_edge<R: Reduce, const ROWS: usize>(&self, rows: [&[R::T]; ROWS], o: usize) -> R::T {
        let start = self.axis.start(o);
        let end = (start + self.axis.kernel as isize).clamp(0, self.axis.input as isize) as usize;
        let from = (start.max(0) as usize).min(end);
        let mut all = R::NEUTRAL;
        for row in rows {
            for x in &row[from..end] {
                all = R::join(all, *x);
            }
        }
        all
    }
}

/// A row of windows of two taps.
#[inline(always)]
fn twos<R: Reduce, const ROWS: usize>(rows: [&[R::T]; ROWS], out: &mut [R::T]) {
    let Some(last) = out.len().checked_sub(BLOCK) else { return };
    let mut at = 0;
    while at < last {
        twos_at::<R, ROWS>(rows, at, out);
        at += BLOCK;
    }
    // The last block computes some windows again rather than one by one.
    twos_at::<R, ROWS>(rows, last, out);
}

/// The windows of two taps from `at` on.
#[inline(always)]
fn twos_at<R: Reduce, const ROWS: usize>(rows: [&[R::T]; ROWS], at: usize, out: &mut [R::T]) {
    let mut all = [R::NEUTRAL; BLOCK];
    for (i, row) in rows.into_iter().enumerate() {
        let x = &row[at * STRIDE..][..BLOCK * STRIDE];
        for (j, all) in all.iter_mut().enumerate() {
            let taps = R::join(x[j * STRIDE], x[j * STRIDE + 1]);
            *all = if i == 0 { taps } else { R::join(*all, taps) };
        }
    }
    out[at..at + BLOCK].copy_from_slice(&all);
}

/// A row of windows of three taps: those of stride 1, in memory, of which every second is kept. Neighbours in memory
/// are then neighbours in registers, where picking every second element takes longer than joining one.
#[inline(always)]
fn threes<R: Reduce, const ROWS: usize>(rows: [&[R::T]; ROWS], dense: &mut Dense<R::T>, out: &mut [R::T]) {
    let mut done = 0;
    while done < out.len() {
        let count = out.len().min(SPAN);
        let from = done.min(out.len() - count);
        // Up to the first tap of the last window; there is nothing behind its others.
        let last = (count - 1) * STRIDE + 1 - BLOCK;
        let mut at = 0;
        while at < last {
            threes_at::<R, ROWS>(rows, from * STRIDE + at, &mut dense[at..]);
            at += BLOCK;
        }
        threes_at::<R, ROWS>(rows, from * STRIDE + last, &mut dense[last..]);
        for (out, pair) in out[from..from + count].iter_mut().zip(dense.as_chunks::<STRIDE>().0) {
            *out = pair[0];
        }
        done = from + count;
    }
}

/// Neighbouring windows of three taps a row from element `at` on.
#[inline(always)]
fn threes_at<R: Reduce, const ROWS: usize>(rows: [&[R::T]; ROWS], at: usize, out: &mut [R::T]) {
    let mut all = [R::NEUTRAL; BLOCK];
    for (i, row) in rows.into_iter().enumerate() {
        let x = &row[at..][..BLOCK + 2];
        let taps = join::<R>(&join::<R>(&eight::<R>(x, 0), &eight::<R>(x, 1)), &eight::<R>(x, 2));
        all = if i == 0 { taps } else { join::<R>(&all, &taps) };
    }
    out[..BLOCK].copy_from_slice(&all);
}

#[inline(always)]
fn eight<R: Reduce>(x: &[R::T], at: usize) -> [R::T; BLOCK] {
    let mut some = [R::NEUTRAL; BLOCK];
    some.copy_from_slice(&x[at..][..BLOCK]);
    some
}

#[inline(always)]
fn join<R: Reduce>(a: &[R::T; BLOCK], b: &[R::T; BLOCK]) -> [R::T; BLOCK] {
    let mut out = [R::NEUTRAL; BLOCK];
    for i in 0..BLOCK {
        out[i] = R::join(a[i], b[i]);
    }
    out
}
