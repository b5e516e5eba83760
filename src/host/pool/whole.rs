//! Few slabs that are one window each: every slab shared out among all threads.

use super::frame::Frame;
use super::reduce::{self, Reduce};
use crate::error::Result;
use crate::host::element::Source;
use crate::host::output::{WORTH_SHARING, try_fill};
use crate::memory;

/// Elements that a thread takes at a time.
const PIECE: usize = WORTH_SHARING;

/// Whether there are too few slabs to occupy all threads, and enough in each for several.
pub(super) fn pays(frame: &Frame) -> bool {
    let tasks = if frame.inner == 1 { frame.slabs.div_ceil(frame.units_per_task()) } else { frame.slabs };
    frame.is_whole() && tasks < rayon::current_num_threads() && frame.slab_input() >= 2 * PIECE
}

/// Joins each slab, all their inner elements side by side.
pub(super) fn slabs<R: Reduce>(frame: &Frame, source: &impl Source<R::T>) -> Result<Vec<R::T>> {
    let inner = frame.inner;
    let length = frame.slab_input() / inner;
    let rows = PIECE.div_ceil(inner).min(length);
    let count = length.div_ceil(rows);
    let mut out = memory::filled(R::NEUTRAL, frame.slabs * inner)?;
    let mut spare = vec![];
    for (slab, out) in out.chunks_exact_mut(inner).enumerate() {
        let base = slab * length * inner;
        let pieces = try_fill(count * inner, inner, 1, |i, out: &mut [R::T]| {
            let (mut buffer, mut spare) = (vec![], vec![]);
            let count = rows.min(length - i * rows);
            let row = source.row(base + i * rows * inner, count * inner, &mut buffer)?;
            if let [out] = out {
                *out = reduce::slice::<R>(row);
                return Ok(());
            }
            reduce::rows::<R>(row, inner, count, out, &mut spare)
        })?;
        reduce::rows::<R>(&pieces, inner, count, out, &mut spare)?;
    }
    Ok(out)
}
