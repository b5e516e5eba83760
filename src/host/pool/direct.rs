//! Windows that lie outside the input for the most part: one after another, their taps inside it gathered and joined.

use super::frame::{Frame, Windows};
use super::reduce::{self, Reduce};
use crate::error::Result;
use crate::host::element::Source;
use crate::memory;

/// Buffers of a task, kept from one slab to the next.
#[derive(Default)]
pub(super) struct Buffers<T> {
    taps: Vec<T>,
    converted: Vec<T>,
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
    let Buffers { taps, converted, spare } = buffers;
    let rows = windows[0].clone().flat_map(|o0| windows[1].clone().map(move |o1| (o0, o1)));
    let all = rows.flat_map(|(o0, o1)| windows[2].clone().map(move |o2| (o0, o1, o2)));
    for ((o0, o1, o2), out) in all.zip(out.chunks_exact_mut(inner)) {
        let [depth, height, width] = [a0.taps_inside(o0), a1.taps_inside(o1), a2.taps_inside(o2)];
        let Some(first) = a2.position(o2, width.start).filter(|_| !width.is_empty()) else {
            out.fill(R::NEUTRAL);
            continue;
        };
        // Neighbouring taps are read together.
        let (runs, run) = if a2.dilation == 1 { (1, width.len()) } else { (width.len(), 1) };
        taps.clear();
        memory::reserve(taps, depth.len() * height.len() * width.len() * inner)?;
        for t0 in depth {
            for t1 in height.clone() {
                let (Some(d), Some(h)) = (a0.position(o0, t0), a1.position(o1, t1)) else { continue };
                let row = base + ((d * a1.input + h) * a2.input + first) * inner;
                for i in 0..runs {
                    let some = source.row(row + i * a2.dilation * inner, run * inner, converted)?;
                    taps.extend_from_slice(some);
                }
            }
        }
        match out {
            [out] => *out = reduce::slice::<R>(taps),
            _ => reduce::rows::<R>(taps, inner, taps.len() / inner, out, spare)?,
        }
    }
    Ok(())
}
