//! Maxima with their positions.

use std::ops::Range;

use super::frame::{Frame, Windows};
use super::reduce::Ordered;
use super::wrong_type;
use crate::dtype::{Data, of_halves};
use crate::error::Result;
use crate::geometry::{Axis, taps_inside};
use crate::host::element::{Plain, Source, Widened};
use crate::host::output::fill_two;
use crate::memory;
use crate::problem::PoolWork;
use crate::spec::IndexNumbering;

pub(super) fn pool(work: &PoolWork, numbering: IndexNumbering, x: &Data) -> Result<Vec<Data>> {
    match x {
        Data::F32(x) => maxima(work, numbering, &Plain(x), <[f32]>::copy_from_slice, Data::F32),
        Data::U8(x) => maxima(work, numbering, &Plain(x), <[u8]>::copy_from_slice, Data::U8),
        Data::I8(x) => maxima(work, numbering, &Plain(x), <[i8]>::copy_from_slice, Data::I8),
        _ => of_halves!(x, x => {
            let x = Widened(x);
            maxima(work, numbering, &x, |to, from| x.narrow(from, to), Data::from)
        }, _ => Err(wrong_type(work, x))),
    }
}

/// The maxima, of which `store` makes elements of the output, and their indices.
fn maxima<T: Ordered, E: Copy + Default + Send>(
    work: &PoolWork,
    numbering: IndexNumbering,
    source: &impl Source<T>,
    store: impl Fn(&mut [E], &[T]) + Sync + Send,
    data: fn(Vec<E>) -> Data,
) -> Result<Vec<Data>> {
    let frame = Frame::plain(work);
    let units = frame.units_per_task();
    let (values, indices) =
        fill_two(frame.slabs * frame.slab_output(), units * frame.unit(), |i, out: &mut [E], indices| {
            let mut maxima = memory::filled(T::LOWEST, out.len())?;
            indices.fill(-1);
            let mut buffer = Vec::new();
            for (slab, windows, range) in frame.pieces(i * units, out.len()) {
                let found = Found { maxima: &mut maxima[range.clone()], indices: &mut indices[range] };
                pool_slab(work, &frame, numbering, source, slab, &windows, found, &mut buffer)?;
            }
            store(out, &maxima);
            Ok(())
        })?;
    Ok(vec![data(values), Data::I32(indices)])
}

/// The maxima so far and their indices, -1 where nothing was met yet.
struct Found<'a, T> {
    maxima: &'a mut [T],
    indices: &'a mut [i32],
}

impl<T: Ordered> Found<'_, T> {
    /// Meets one more element of each window in `range`.
    ///
    /// The index of the first is `index`; it grows by `step` from one window to the next.
    fn meet(&mut self, range: Range<usize>, elements: &[T], index: usize, step: usize) {
        let (maxima, indices) = (&mut self.maxima[range.clone()], &mut self.indices[range]);
        // All indices fit 31 bits, as the problem has checked.
        let (index, step) = (index as i32, step as i32);
        wide!(|_| update(maxima, indices, elements, index, step));
    }

    /// One window meets neighbouring elements, of which indices grow by `step`.
    fn meet_all(&mut self, window: usize, elements: &[T], index: usize, step: usize) {
        let (max, found) = (&mut self.maxima[window], &mut self.indices[window]);
        for (i, &v) in elements.iter().enumerate() {
            #[allow(clippy::eq_op)]
            if v > *max || v != v || *found < 0 {
                (*max, *found) = (v, (index + i * step) as i32);
            }
        }
    }
}

/// A function of its own, because the compiler vectorises only what it knows not to overlap: its parameters.
#[inline(always)]
fn update<T: Ordered>(maxima: &mut [T], indices: &mut [i32], elements: &[T], index: i32, step: i32) {
    let mut at = index;
    for ((max, i), &v) in maxima.iter_mut().zip(indices).zip(elements) {
        // The first element counts whatever it is; NaN, which differs from itself, always does.
        #[allow(clippy::eq_op)]
        let better = (v > *max) | (v != v) | (*i < 0);
        *max = if better { v } else { *max };
        *i = if better { at } else { *i };
        at = at.wrapping_add(step);
    }
}

/// Every `stride`th of `count` elements, side by side.
fn compact<'a, T: Ordered>(
    elements: &'a [T],
    stride: usize,
    count: usize,
    buffer: &'a mut Vec<T>,
) -> Result<&'a [T]> {
    if stride == 1 {
        return Ok(&elements[..count]);
    }
    memory::resize(buffer, count, T::LOWEST)?;
    let whole = elements.len() / stride;
    wide!(|_| {
        if stride == 2 {
            buffer.iter_mut().zip(elements.chunks_exact(2)).for_each(|(b, x)| *b = x[0]);
        } else {
            buffer.iter_mut().zip(elements.chunks_exact(stride)).for_each(|(b, x)| *b = x[0]);
        }
    });
    for (b, x) in buffer.iter_mut().zip(elements.iter().step_by(stride)).skip(whole) {
        *b = *x;
    }
    Ok(buffer)
}

/// Meets the taps of all windows in row-major order, a row of windows at a time.
#[allow(clippy::too_many_arguments)]
fn pool_slab<T: Ordered>(
    work: &PoolWork,
    frame: &Frame,
    numbering: IndexNumbering,
    source: &impl Source<T>,
    slab: usize,
    windows: &Windows,
    mut found: Found<'_, T>,
    buffer: &mut Vec<T>,
) -> Result<()> {
    let [a0, a1, a2] = &frame.axes;
    let inner = frame.inner;
    let (n, c) = if inner == 1 { (slab / work.channels, slab % work.channels) } else { (slab, 0) };
    let index = |c: usize, position| work.index(numbering, n, c, position);
    let step_w = index(c, [0, 0, 1]) - index(c, [0; 3]);
    let step_c = index(c + 1, [0; 3]) - index(c, [0; 3]);
    let base = slab * frame.slab_input();
    let mut strided = Vec::new();
    let mut out = 0;
    for od in windows[0].clone() {
        for oh in windows[1].clone() {
            if !frame.little_outside {
                for ow in windows[2].clone() {
                    for (_, [d, h, w]) in taps_inside(&frame.axes, [od, oh, ow]) {
                        let at = base + ((d * a1.input + h) * a2.input + w) * inner;
                        let elements = source.row(at, inner, buffer)?;
                        found.meet(out..out + inner, elements, index(c, [d, h, w]), step_c);
                    }
                    out += inner;
                }
                continue;
            }
            let rows = a0.taps_inside(od).flat_map(|td| a1.taps_inside(oh).map(move |th| (td, th)));
            for (td, th) in rows {
                let (Some(d), Some(h)) = (a0.position(od, td), a1.position(oh, th)) else { continue };
                let row =
                    source.row(base + (d * a1.input + h) * a2.input * inner, a2.input * inner, buffer)?;
                if inner == 1 && a2.adaptive {
                    for (i, ow) in windows[2].clone().enumerate() {
                        // Adaptive windows lie inside the input.
                        let w = a2.start(ow).unsigned_abs();
                        let elements = &row[w..][..a2.taps_inside(ow).len()];
                        found.meet_all(out + i, elements, index(c, [d, h, w]), step_w);
                    }
                } else if inner == 1 {
                    for tw in 0..a2.kernel {
                        let with_tap = windows_with(a2, &windows[2], tw);
                        if let Some(w) = a2.position(with_tap.start, tw).filter(|_| !with_tap.is_empty()) {
                            let range = out + with_tap.start - windows[2].start
                                ..out + with_tap.end - windows[2].start;
                            let elements = compact(&row[w..], a2.stride, with_tap.len(), &mut strided)?;
                            found.meet(range, elements, index(c, [d, h, w]), step_w * a2.stride);
                        }
                    }
                } else {
                    for (i, ow) in windows[2].clone().enumerate() {
                        for tw in a2.taps_inside(ow) {
                            let Some(w) = a2.position(ow, tw) else { continue };
                            let range = out + i * inner..out + (i + 1) * inner;
                            found.meet(range, &row[w * inner..], index(0, [d, h, w]), step_c);
                        }
                    }
                }
            }
            out += windows[2].len() * inner;
        }
    }
    Ok(())
}

/// Those of `windows` whose tap `tap` lies inside the input: neighbours, because positions only grow.
fn windows_with(a: &Axis, windows: &Range<usize>, tap: usize) -> Range<usize> {
    let offset = tap * a.dilation;
    let first = a.pad_before.saturating_sub(offset).div_ceil(a.stride);
    let end = (a.input + a.pad_before).saturating_sub(offset).div_ceil(a.stride);
    let start = first.clamp(windows.start, windows.end);
    start..end.clamp(start, windows.end)
}
