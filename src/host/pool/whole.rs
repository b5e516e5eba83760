//! Few slabs that are one window each: every slab shared out among all threads.

use rayon::prelude::*;

use super::frame::Frame;
use super::reduce::{self, Reduce};
use crate::host::element::Source;
use crate::host::output::WORTH_SHARING;

/// Elements that a thread takes at a time.
const PIECE: usize = WORTH_SHARING;

/// Whether there are too few slabs to occupy all threads, and enough in each for several.
pub(super) fn pays(frame: &Frame) -> bool {
    let tasks = if frame.inner == 1 { frame.slabs.div_ceil(frame.units_per_task()) } else { frame.slabs };
    frame.is_whole() && tasks < rayon::current_num_threads() && frame.slab_input() >= 2 * PIECE
}

/// Joins each slab, all their inner elements side by side.
pub(super) fn slabs<R: Reduce>(frame: &Frame, source: &impl Source<R::T>) -> Vec<R::T> {
    let inner = frame.inner;
    let length = frame.slab_input() / inner;
    let rows = PIECE.div_ceil(inner).min(length);
    let slab = |slab: usize| {
        let base = slab * length * inner;
        let pieces: Vec<Vec<R::T>> = (0..length.div_ceil(rows))
            .into_par_iter()
            .map(|i| {
                let (mut buffer, mut spare) = (vec![], vec![]);
                let count = rows.min(length - i * rows);
                let row = source.row(base + i * rows * inner, count * inner, &mut buffer);
                if inner == 1 {
                    return vec![reduce::slice::<R>(row)];
                }
                let mut out = vec![R::NEUTRAL; inner];
                reduce::rows::<R>(row, inner, count, &mut out, &mut spare);
                out
            })
            .collect();
        let (pieces, mut spare) = (pieces.concat(), vec![]);
        let mut out = vec![R::NEUTRAL; inner];
        reduce::rows::<R>(&pieces, inner, pieces.len() / inner, &mut out, &mut spare);
        out
    };
    (0..frame.slabs).flat_map(slab).collect()
}
