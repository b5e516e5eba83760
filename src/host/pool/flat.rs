//! Large, closely spaced windows: every axis of a padded slab in about `log2(kernel)` passes.

use std::ops::Range;

use super::frame::{Frame, Windows};
use super::reduce::{Reduce, onto, three, two};
use crate::error::Result;
use crate::geometry::{Axis, MAX_SPATIAL};
use crate::host::element::Source;
use crate::memory;

/// Buffers of a task, kept from one slab to the next.
#[derive(Default)]
pub(super) struct Buffers<T> {
    current: Vec<T>,
    next: Vec<T>,
    total: Vec<T>,
    /// For one row.
    pub row: Vec<T>,
}

/// A padded slab, of which several copies are kept, may have so many times the elements of input and output.
const MOST_COPIED: usize = 4;

/// Whether windows are large and dense enough for the passes to pay: they compute every window of stride 1. They
/// cannot compute windows of different lengths.
pub(super) fn pays(frame: &Frame) -> bool {
    let [.., last] = &frame.axes;
    let padded = frame.axes.iter().map(|a| a.reach(a.output)).product::<usize>() * frame.inner;
    if padded > MOST_COPIED * (frame.slab_input() + frame.slab_output()) {
        return false;
    }
    let slides = |a: &Axis| a.output > 1;
    if !frame.axes.iter().all(|a| !a.adaptive && (slides(a) || a.kernel == 1)) {
        return false;
    }
    // Rows too short for a loop each, where no window is computed in vain.
    let short_rows = frame.inner == 1 && last.output <= 128;
    if short_rows && frame.axes.iter().all(|a| a.stride == 1) {
        return true;
    }
    let large = |a: &Axis| slides(a) && a.kernel >= 4 && a.kernel > 2 * a.stride;
    let waste: usize = frame.axes.iter().map(|a| if slides(a) { a.stride } else { 1 }).product();
    frame.axes.iter().any(large) && waste <= 4
}

pub(super) fn slab<R: Reduce>(
    frame: &Frame,
    source: &impl Source<R::T>,
    base: usize,
    windows: &Windows,
    out: &mut [R::T],
    buffers: &mut Buffers<R::T>,
) -> Result<()> {
    let [a0, a1, a2] = &frame.axes;
    let inner = frame.inner;
    // Positions that the windows cover, counted from the padding's start.
    let lengths: [usize; MAX_SPATIAL] = std::array::from_fn(|i| frame.axes[i].reach(windows[i].len()));
    let steps = [lengths[1] * lengths[2] * inner, lengths[2] * inner, inner];

    // The elements under the windows, the neutral element where they lie outside the input.
    let buffer = &mut buffers.current;
    buffer.clear();
    memory::resize(buffer, lengths[0] * steps[0], R::NEUTRAL)?;
    let starts: [isize; MAX_SPATIAL] = std::array::from_fn(|i| frame.axes[i].start(windows[i].start));
    let inside = |i: usize| inside(starts[i], lengths[i], frame.axes[i].input);
    let width = inside(2);
    // Of windows that lie outside along the last axis, there are no rows.
    let rows = if width.is_empty() { 0..0 } else { inside(1) };
    for p0 in inside(0) {
        for p1 in rows.clone() {
            let (d, h) = (at(starts[0], p0), at(starts[1], p1));
            let from = base + ((d * a1.input + h) * a2.input + at(starts[2], width.start)) * inner;
            let row = source.row(from, width.len() * inner, &mut buffers.row)?;
            let to = p0 * steps[0] + p1 * steps[1] + width.start * inner;
            buffer[to..][..row.len()].copy_from_slice(row);
        }
    }

    let mut len = buffer.len();
    for axis in (0..MAX_SPATIAL).rev() {
        let a = &frame.axes[axis];
        len = pass::<R>(buffers, len, a.kernel, a.dilation * steps[axis])?;
    }

    let mut rows = out.chunks_exact_mut(windows[2].len() * inner);
    for o0 in 0..windows[0].len() {
        for o1 in 0..windows[1].len() {
            let Some(out) = rows.next() else { return Ok(()) };
            let from = o0 * a0.stride * steps[0] + o1 * a1.stride * steps[1];
            let row = &buffers.current[from..];
            if a2.stride == 1 {
                out.copy_from_slice(&row[..out.len()]);
            } else {
                let windows = row.chunks(a2.stride * inner);
                for (out, row) in out.chunks_exact_mut(inner).zip(windows) {
                    out.copy_from_slice(&row[..inner]);
                }
            }
        }
    }
    Ok(())
}

/// The positions of `0..length`, which begin at `start` of the input, that lie inside it.
fn inside(start: isize, length: usize, input: usize) -> Range<usize> {
    let from = usize::try_from(-start).unwrap_or(0).min(length);
    let to = usize::try_from(input as isize - start).unwrap_or(0).min(length);
    from..to.max(from)
}

/// The input's position of `p`, for `p` that [`inside`] returned.
fn at(start: isize, p: usize) -> usize {
    (start + p as isize).max(0) as usize
}

/// Joins `kernel` elements `step` apart, from every element on; returns how many results there are.
///
/// Windows grow by doubling: one of 2n elements is two of n. Elements join in their order.
fn pass<R: Reduce>(buffers: &mut Buffers<R::T>, len: usize, kernel: usize, step: usize) -> Result<usize> {
    let Buffers { current, next, total, .. } = buffers;
    memory::resize(next, current.len().max(next.len()), R::NEUTRAL)?;
    let results = len - (kernel - 1) * step;
    match kernel {
        1 => return Ok(results),
        2 => two::<R>(&mut next[..results], current, &current[step..]),
        3 => three::<R>(&mut next[..results], current, &current[step..], &current[2 * step..]),
        _ => {}
    }
    if kernel <= 3 {
        std::mem::swap(current, next);
        return Ok(results);
    }
    let mut window = 1;
    // Of the kernel's binary digits, those already joined into `total`.
    let mut joined = 0;
    loop {
        if !R::IDEMPOTENT && kernel & window != 0 {
            if joined == 0 {
                total.clear();
                memory::reserve(total, results)?;
                total.extend_from_slice(&current[..results]);
            } else {
                onto::<R>(&mut total[..results], &current[joined * step..]);
            }
            joined += window;
        }
        if 2 * window > kernel {
            break;
        }
        let len = len - (2 * window - 1) * step;
        two::<R>(&mut next[..len], current, &current[window * step..]);
        std::mem::swap(current, next);
        window *= 2;
    }
    if !R::IDEMPOTENT {
        std::mem::swap(current, total);
    } else if window < kernel {
        two::<R>(&mut next[..results], current, &current[(kernel - window) * step..]);
        std::mem::swap(current, next);
    }
    Ok(results)
}
