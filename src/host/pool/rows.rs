//! Small or widely spaced windows: along the innermost axis first, then across rows and planes.

use std::ops::Range;

use super::frame::{Frame, Windows};
use super::reduce::{self, Reduce};
use crate::error::Result;
use crate::geometry::Axis;
use crate::host::element::Source;
use crate::memory;

/// Buffers of a task, kept from one slab to the next.
#[derive(Default)]
pub(super) struct Buffers<T> {
    planes: Level<T>,
    rows: Level<T>,
    converted: Vec<T>,
    spare: Vec<T>,
}

/// Buffers of one axis.
#[derive(Default)]
struct Level<T> {
    lines: Vec<T>,
    spare: Vec<T>,
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
    let Buffers { planes, rows, converted, spare } = buffers;
    let length = windows[2].len() * inner;
    lines::<R>(a0, &windows[0], windows[1].len() * length, planes, out, |d, out| {
        lines::<R>(a1, &windows[1], length, rows, out, |h, out| {
            let at = base + (d * a1.input + h) * a2.input * inner;
            let row = source.row(at, a2.input * inner, converted)?;
            if inner == 1 {
                along::<R>(a2, &windows[2], row, out);
            } else {
                for (o, out) in windows[2].clone().zip(out.chunks_exact_mut(inner)) {
                    let taps = a2.taps_inside(o);
                    let from = a2.position(o, taps.start).unwrap_or(0) * inner;
                    reduce::rows::<R>(&row[from..], a2.dilation * inner, taps.len(), out, spare)?;
                }
            }
            Ok(())
        })
    })
}

/// Joins lines of `length` elements, which `line` computes for a position of the input, into one for each window.
fn lines<R: Reduce>(
    a: &Axis,
    windows: &Range<usize>,
    length: usize,
    level: &mut Level<R::T>,
    out: &mut [R::T],
    mut line: impl FnMut(usize, &mut [R::T]) -> Result<()>,
) -> Result<()> {
    let outs = windows.clone().zip(out.chunks_exact_mut(length));
    if a.kernel == 1 {
        for (o, out) in outs {
            match a.position(o, 0) {
                Some(p) => line(p, out)?,
                None => out.fill(R::NEUTRAL),
            }
        }
        return Ok(());
    }
    // Each line once: those of all windows if they overlap, else those of one window after another.
    let overlap = a.stride < a.span();
    let all = covered(a, windows.clone());
    if overlap {
        memory::resize(&mut level.lines, all.len() * length, R::NEUTRAL)?;
        for (p, out) in all.clone().zip(level.lines.chunks_exact_mut(length)) {
            line(p, out)?;
        }
    }
    for (o, out) in outs {
        let taps = a.taps_inside(o);
        let Some(first) = a.position(o, taps.start).filter(|_| !taps.is_empty()) else {
            out.fill(R::NEUTRAL);
            continue;
        };
        if overlap {
            let lines = &level.lines[(first - all.start) * length..];
            reduce::rows::<R>(lines, a.dilation * length, taps.len(), out, &mut level.spare)?;
        } else {
            memory::resize(&mut level.lines, taps.len() * length, R::NEUTRAL)?;
            for (i, out) in level.lines.chunks_exact_mut(length).enumerate() {
                line(first + i * a.dilation, out)?;
            }
            reduce::rows::<R>(&level.lines, length, taps.len(), out, &mut level.spare)?;
        }
    }
    Ok(())
}

/// The positions from the first tap to the last that windows have inside the input.
fn covered(a: &Axis, windows: Range<usize>) -> Range<usize> {
    let (mut from, mut to) = (usize::MAX, 0);
    for o in windows {
        let taps = a.taps_inside(o);
        if let (false, Some(first)) = (taps.is_empty(), a.position(o, taps.start)) {
            from = from.min(first);
            to = to.max(first + (taps.len() - 1) * a.dilation + 1);
        }
    }
    from.min(to)..to
}

/// Windows along a contiguous row.
fn along<R: Reduce>(a: &Axis, windows: &Range<usize>, row: &[R::T], out: &mut [R::T]) {
    if a.adaptive {
        for (o, out) in windows.clone().zip(out) {
            // Neither starts before the input nor ends behind it.
            *out = reduce::slice::<R>(&row[a.start(o).unsigned_abs()..][..a.taps_inside(o).len()]);
        }
        return;
    }
    // The windows that lie inside the input with all of their taps.
    let first = a.pad_before.div_ceil(a.stride).clamp(windows.start, windows.end);
    let fit = (a.input + a.pad_before).checked_sub(a.span()).map_or(0, |room| room / a.stride + 1);
    let last = fit.clamp(first, windows.end);
    for o in (windows.start..first).chain(last..windows.end) {
        let taps = a.taps_inside(o);
        let from = a.position(o, taps.start).unwrap_or(0);
        out[o - windows.start] = reduce::strided::<R>(&row[from..], a.dilation, taps.len());
    }
    if first == last {
        return;
    }
    let out = &mut out[first - windows.start..last - windows.start];
    let row = &row[first * a.stride - a.pad_before..];
    match (a.kernel, a.stride, a.dilation) {
        (1, 1, _) => out.copy_from_slice(&row[..out.len()]),
        (2, 1, d) => reduce::two::<R>(out, row, &row[d..]),
        (3, 1, d) => reduce::three::<R>(out, row, &row[d..], &row[2 * d..]),
        (2, 2, 1) => pairs::<R>(out, row),
        (3, 2, 1) => triples::<R>(out, row),
        (kernel, stride, 1) if kernel >= 16 => {
            for (i, out) in out.iter_mut().enumerate() {
                *out = reduce::slice::<R>(&row[i * stride..][..kernel]);
            }
        }
        (kernel, stride, dilation) => {
            for (i, out) in out.iter_mut().enumerate() {
                *out = reduce::strided::<R>(&row[i * stride..], dilation, kernel);
            }
        }
    }
}

/// Two taps, stride 2.
fn pairs<R: Reduce>(out: &mut [R::T], row: &[R::T]) {
    wide!(|_| {
        for (o, x) in out.iter_mut().zip(row.chunks_exact(2)) {
            *o = R::join(x[0], x[1]);
        }
    });
}

/// Three taps, stride 2.
fn triples<R: Reduce>(out: &mut [R::T], row: &[R::T]) {
    let Some((last, out)) = out.split_last_mut() else { return };
    let end = 2 * out.len();
    wide!(|_| {
        let thirds = row[2..].chunks_exact(2);
        for ((o, x), third) in out.iter_mut().zip(row.chunks_exact(2)).zip(thirds) {
            *o = R::join(R::join(x[0], x[1]), third[0]);
        }
    });
    // Its third tap may be the row's end, without a pair.
    *last = reduce::strided::<R>(&row[end..], 1, 3);
}
