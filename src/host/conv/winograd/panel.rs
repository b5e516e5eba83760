//! Panels of tiles: where they lie in the image, how their inputs are gathered and their outputs stored.

use super::transform::{Outputs, Rows, SPAN};
use crate::host::conv::micro::PANEL;
use crate::problem::ConvWork;

/// Tiles of one row of tiles, from tile `at` of a panel on.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub at: usize,
    pub count: usize,
    pub image: usize,
    /// Row of tiles, and the first tile in it.
    pub row: usize,
    pub column: usize,
}

/// How an output is cut into tiles of `outputs` by `outputs`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub outputs: usize,
    pub rows: usize,
    pub columns: usize,
    /// Tiles of all images.
    pub tiles: usize,
}

impl Cut {
    pub fn new(work: &ConvWork, outputs: usize) -> Cut {
        let [_, rows, columns] = work.axes.map(|a| a.output.div_ceil(outputs));
        Cut { outputs, rows, columns, tiles: work.batch * rows * columns }
    }

    pub fn panels(&self) -> usize {
        self.tiles.div_ceil(PANEL)
    }

    /// The tiles of a panel.
    pub fn runs(&self, panel: usize, runs: &mut Vec<Run>) {
        runs.clear();
        let (mut tile, end) = (panel * PANEL, self.tiles.min((panel + 1) * PANEL));
        while tile < end {
            let column = tile % self.columns;
            let count = (self.columns - column).min(end - tile);
            let row = tile / self.columns;
            let (image, row) = (row / self.rows, row % self.rows);
            runs.push(Run { at: tile - panel * PANEL, count, image, row, column });
            tile += count;
        }
    }
}

/// The rows that a run's tiles read of channel `c`, from the first of its first tile on: in place, or copied to `lines`
/// with zeros for what is padding.
#[inline(always)]
pub(super) fn rows<'a, const M: usize>(
    work: &ConvWork,
    x: &'a [f32],
    c: usize,
    run: &Run,
    lines: &'a mut Rows,
) -> [&'a [f32; SPAN]; 6] {
    let points = M + 2;
    let [_, rows, columns] = &work.axes;
    let first = columns.start(run.column * M);
    let reach = (run.count - 1) * M + points;
    let mut places: [Option<&[f32; SPAN]>; 6] = [None; 6];
    for i in 0..points {
        let row = usize::try_from(rows.start(run.row * M) + i as isize).ok().filter(|&r| r < rows.input);
        let from = row.map(|row| work.input.at(run.image, c, [0, row, 0]));
        if let (Some(from), Ok(at)) = (from, usize::try_from(first))
            && at + reach <= columns.input
        {
            places[i] = x.get(from + at..).and_then(|x| x.first_chunk());
        }
        if places[i].is_none() {
            let line = &mut lines[i];
            *line = [0.0; SPAN];
            if let Some(from) = from {
                let skipped = usize::try_from(-first).unwrap_or(0).min(reach);
                let start = usize::try_from(first).unwrap_or(0).min(columns.input);
                let count = (columns.input - start).min(reach - skipped);
                line[skipped..skipped + count].copy_from_slice(&x[from + start..][..count]);
            }
        }
    }
    let lines = &*lines;
    std::array::from_fn(|i| places[i].unwrap_or(&lines[i]))
}

/// Whether any of the outputs is infinite or NaN.
#[inline(always)]
pub(super) fn any_not_finite(y: &[[f32; PANEL]]) -> bool {
    const MAGNITUDE: u32 = 0x7fff_ffff;
    const INFINITE: u32 = 0x7f80_0000;
    y.as_flattened().iter().fold(0, |largest, y| (y.to_bits() & MAGNITUDE).max(largest)) >= INFINITE
}

/// The largest of each window of 2 by 2, of which a tile has `side` by `side`; NaN if one is.
#[inline(always)]
pub(super) fn pool(side: usize, y: &mut Outputs) {
    for i in 0..side {
        for j in 0..side {
            let at = |a: usize, b: usize| (2 * i + a) * 2 * side + 2 * j + b;
            let windows = [y[at(0, 0)], y[at(0, 1)], y[at(1, 0)], y[at(1, 1)]];
            let mut best = windows[0];
            for other in &windows[1..] {
                for l in 0..PANEL {
                    // A NaN that is there stays, because nothing is larger.
                    best[l] = if other[l] > best[l] || other[l].is_nan() { other[l] } else { best[l] };
                }
            }
            // Windows before this one in the tile are read no more.
            y[i * side + j] = best;
        }
    }
}

/// A row of the first `lanes` tiles, in the order of the image.
#[inline(always)]
pub(super) fn line(side: usize, lanes: usize, y: &[[f32; PANEL]], line: &mut [f32; 4 * PANEL]) {
    match side {
        4 => interleave::<4>(lanes, y, line),
        2 => interleave::<2>(lanes, y, line),
        _ => line[..PANEL].copy_from_slice(&y[0]),
    }
}

#[inline(always)]
fn interleave<const N: usize>(lanes: usize, y: &[[f32; PANEL]], line: &mut [f32; 4 * PANEL]) {
    let Some(y) = y.first_chunk::<N>() else { return };
    for l in 0..lanes.min(PANEL) {
        for j in 0..N {
            line[l * N + j] = y[j][l];
        }
    }
}
