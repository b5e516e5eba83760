//! Pooling: tasks of whole planes or ranges of rows, each by the engine that suits its windows.

mod average;
mod direct;
mod flat;
mod frame;
mod indexed;
mod lp;
mod max;
mod reduce;
mod rows;
mod scaled_lp;
mod strips;
mod whole;

use self::frame::{Frame, Windows};
use self::reduce::Reduce;
use super::element::{Plain, Source, Widened};
use super::output::try_fill;
use crate::dtype::{Data, of_halves};
use crate::error::Result;
use crate::memory;
use crate::problem::PoolWork;
use crate::spec::PoolKind;

/// The same windows: most adaptive ones slide after all, and then the faster ways are open to them; and taps that lie
/// outside in all windows are gone, which still count where all taps do.
fn simplified(work: &PoolWork) -> PoolWork {
    PoolWork { axes: work.axes.map(|a| frame::regular(a).trimmed()), ..*work }
}

/// Whether little of what the windows cover lies outside the input, once they are simplified.
pub(super) fn little_outside(work: &PoolWork) -> bool {
    simplified(work).little_outside()
}

pub(super) fn pool(work: &PoolWork, x: &Data) -> Result<Vec<Data>> {
    let axes = &work.axes;
    let work = &simplified(work);
    match work.kind {
        PoolKind::Max => match work.indices {
            Some(numbering) => indexed::pool(work, numbering, x),
            None => Ok(vec![max::pool(work, x)?]),
        },
        PoolKind::Average { count_include_pad, divisor } => {
            let divisor = average::Divisor { count_include_pad, fixed: divisor };
            Ok(vec![average::pool(work, axes, x, divisor)?])
        }
        PoolKind::Lp { p } => Ok(vec![lp::pool(work, x, p)?]),
        PoolKind::LpTorch { p } => {
            let taps = axes.iter().map(|a| a.kernel as f64).product();
            Ok(vec![lp::torch(work, taps, x, p)?])
        }
    }
}

/// Pools 32-bit floats into memory of the caller, on this thread alone, if they can be pooled so.
pub(super) fn pool_into(work: &PoolWork, x: &[f32], out: &mut [f32]) -> Result<bool> {
    let frame = Frame::joined(&simplified(work));
    match work.kind {
        PoolKind::Max => task::<reduce::Max<f32>>(&frame, &Plain(x), 0, out, |_, _, _| {})?,
        PoolKind::Average { count_include_pad, divisor } => {
            let divisor = average::Divisor { count_include_pad, fixed: divisor };
            let counts = average::Counts::new(&frame, &work.axes, divisor)?;
            task::<reduce::Sum<f32>>(&frame, &Plain(x), 0, out, |f, w, sums| counts.divide(f, w, sums))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// An element type that no operation of this kind takes; the problem's rules keep it from getting here.
fn wrong_type(work: &PoolWork, x: &Data) -> crate::Error {
    let rule = format!("the problem was made for {}", work.dtype);
    crate::Error::dtype("pooling", "the input", x.dtype(), rule)
}

/// The engines' buffers.
#[derive(Default)]
struct Scratch<T> {
    flat: flat::Buffers<T>,
    rows: rows::Buffers<T>,
    direct: direct::Buffers<T>,
}

/// Elements that are converted at a time where slabs are short.
const TOGETHER: usize = 1 << 11;

/// Joins the windows of the units from `first` on into `out`, and hands each slab's part to `finish`.
fn task<R: Reduce>(
    frame: &Frame,
    source: &impl Source<R::T>,
    first: usize,
    out: &mut [R::T],
    finish: impl Fn(&Frame, &Windows, &mut [R::T]),
) -> Result<()> {
    let mut scratch = Scratch::default();
    let by_strips = frame.little_outside && strips::pays(frame);
    let by_passes = frame.little_outside && flat::pays(frame);
    if frame.inner == 1 && frame.is_whole() {
        let len = frame.slab_input();
        let some = TOGETHER.div_ceil(len.max(1));
        for (slab, out) in (first..).step_by(some).zip(out.chunks_mut(some)) {
            reduce::slices::<R>(source.row(slab * len, out.len() * len, &mut scratch.flat.row)?, out);
        }
        // All have the same window, as if they were inner elements of one slab.
        let together = Frame { inner: out.len(), ..*frame };
        finish(&together, &[0..1, 0..1, 0..1], out);
        return Ok(());
    }
    let mut dense = strips::dense(R::NEUTRAL);
    for (slab, windows, range) in frame.pieces(first, out.len()) {
        let (base, out) = (slab * frame.slab_input(), &mut out[range]);
        if !frame.little_outside {
            direct::slab::<R>(frame, source, base, &windows, out, &mut scratch.direct)?;
        } else if by_strips {
            strips::slab::<R>(frame, source, base, &windows, out, &mut scratch.flat.row, &mut dense)?;
        } else if by_passes {
            flat::slab::<R>(frame, source, base, &windows, out, &mut scratch.flat)?;
        } else {
            rows::slab::<R>(frame, source, base, &windows, out, &mut scratch.rows)?;
        }
        finish(frame, &windows, out);
    }
    Ok(())
}

/// Pools slabs that are one window each, several threads at work on each.
fn whole_slabs<R: Reduce>(
    frame: &Frame,
    source: &impl Source<R::T>,
    finish: impl Fn(&Frame, &Windows, &mut [R::T]),
) -> Result<Vec<R::T>> {
    let mut out = whole::slabs::<R>(frame, source)?;
    let together = Frame { inner: out.len(), ..*frame };
    finish(&together, &[0..1, 0..1, 0..1], &mut out);
    Ok(out)
}

/// Pools into the type that is computed with.
fn same<R: Reduce>(
    work: &PoolWork,
    source: &impl Source<R::T>,
    finish: impl Fn(&Frame, &Windows, &mut [R::T]) + Sync + Send,
) -> Result<Vec<R::T>> {
    let frame = Frame::joined(work);
    if whole::pays(&frame) {
        return whole_slabs::<R>(&frame, source, finish);
    }
    let units = frame.units_per_task();
    try_fill(frame.slabs * frame.slab_output(), units * frame.unit(), 1, |i, out: &mut [R::T]| {
        task::<R>(&frame, source, i * units, out, &finish)
    })
}

/// Pools floats of 16 bits in 32, and rounds them once.
fn halves<R: Reduce<T = f32>>(
    work: &PoolWork,
    x: &Data,
    finish: impl Fn(&Frame, &Windows, &mut [f32]) + Sync + Send,
) -> Result<Data> {
    of_halves!(x, x => {
        let x = Widened(x);
        Ok(narrowed::<R, _>(work, &x, finish, |from, to| x.narrow(from, to))?.into())
    }, _ => Err(wrong_type(work, x)))
}

/// Pools, then rounds to another type with `narrow`.
fn narrowed<R: Reduce, E: Copy + Default + Send>(
    work: &PoolWork,
    source: &impl Source<R::T>,
    finish: impl Fn(&Frame, &Windows, &mut [R::T]) + Sync + Send,
    narrow: impl Fn(&[R::T], &mut [E]) + Sync + Send,
) -> Result<Vec<E>> {
    let frame = Frame::joined(work);
    if whole::pays(&frame) {
        let exact = whole_slabs::<R>(&frame, source, finish)?;
        let mut out = memory::filled(E::default(), exact.len())?;
        narrow(&exact, &mut out);
        return Ok(out);
    }
    let units = frame.units_per_task();
    try_fill(frame.slabs * frame.slab_output(), units * frame.unit(), 1, |i, out: &mut [E]| {
        let mut exact = memory::filled(R::NEUTRAL, out.len())?;
        task::<R>(&frame, source, i * units, &mut exact, &finish)?;
        narrow(&exact, out);
        Ok(())
    })
}
