//! The gradient of a kernel as a product of matrices with the positions of all images as its long side. Columns of the image are
//! gathered run by run; runs are shared out to as many tasks as their number says, whatever the threads, and added in order, so
//! that results are the same bits in every run.

use rayon::prelude::*;

use super::{CHAINS, TASKS, rows_of, tap_of};
use crate::error::Result;
use crate::host::conv::gemm::{Matrix, multiply};
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::ConvWork;

/// Rows of the image's matrix (channels by taps) of a task.
const ROWS: usize = 256;
/// Positions of a run, at least a row of windows.
const RUN: usize = 2048;

/// Windows of one image: rows of them, of which `first` is the first.
#[derive(Clone, Copy)]
struct Run {
    image: usize,
    first: usize,
    rows: usize,
}

fn runs(conv: &ConvWork) -> Result<Vec<Run>> {
    let (rows, width) = rows_of(conv);
    let most = (RUN / width).max(1);
    let of =
        |image| (0..rows).step_by(most).map(move |first| Run { image, first, rows: most.min(rows - first) });
    memory::collected((0..conv.batch).flat_map(of))
}

pub(super) fn product(conv: &ConvWork, x: &[f32], g: &[f32]) -> Result<Vec<f32>> {
    let (runs, rows) = (runs(conv)?, conv.group_in * conv.taps());
    let blocks = rows.div_ceil(ROWS);
    let bundles = (TASKS / (blocks * conv.groups).min(TASKS)).min(runs.len()).max(1);
    let tasks = conv.groups * blocks * bundles;
    let of = |task: usize| {
        let (part, bundle) = (task / bundles, task % bundles);
        let first = part % blocks * ROWS;
        let end = rows.min(first + ROWS);
        let mine = &runs[bundle * runs.len() / bundles..(bundle + 1) * runs.len() / bundles];
        sums(conv, [x, g], part / blocks, first..end, mine)
    };
    let parts = (0..tasks).into_par_iter().map(of).collect::<Result<Vec<_>>>()?;
    let mut y = memory::filled(0f32, conv.out_channels() * rows)?;
    for (part, bundles) in parts.chunks(bundles).enumerate() {
        let (group, first) = (part / blocks, part % blocks * ROWS);
        let columns = rows.min(first + ROWS) - first;
        for at in 0..conv.group_out * columns {
            let sum: f64 = bundles.iter().map(|sums| sums[at]).sum();
            let row = first + at % columns;
            let (i, tap) = (row / conv.taps(), row % conv.taps());
            let o = group * conv.group_out + at / columns;
            y[conv.kernel.at(o, i, tap_of(conv, tap))] = sum as f32;
        }
    }
    Ok(y)
}

/// The sums of a group's output channels by some rows of the image's matrix, over some runs.
fn sums(
    conv: &ConvWork,
    [x, g]: [&[f32]; 2],
    group: usize,
    rows: std::ops::Range<usize>,
    runs: &[Run],
) -> Result<Vec<f64>> {
    let (_, width) = rows_of(conv);
    let len = conv.group_out * rows.len();
    let (mut totals, mut latest) = (memory::filled(0f64, len)?, memory::filled(0f32, len)?);
    let mut columns: Vec<f32> = Vec::new();
    for run in runs {
        let positions = run.rows * width;
        memory::resize(&mut columns, rows.len() * positions, 0.0)?;
        for (row, out) in rows.clone().zip(columns.chunks_exact_mut(positions)) {
            gather(conv, x, group, row, run, out);
        }
        let from = run.image * conv.output.n
            + group * conv.group_out * conv.output.c
            + run.first * width * conv.output.space[2];
        let by = Matrix { data: &g[from..], row: conv.output.c, column: conv.output.space[2] };
        let image = Matrix { data: &columns, row: 1, column: positions };
        let mut chains = 0;
        for first in (0..positions).step_by(CHAIN) {
            let terms = CHAIN.min(positions - first);
            let sizes = [conv.group_out, terms, rows.len()];
            multiply(sizes, by.from(0, first), image.from(first, 0), chains > 0, &mut latest);
            chains += 1;
            if chains == CHAINS || first + terms == positions {
                totals.iter_mut().zip(&latest).for_each(|(total, &sum)| *total += f64::from(sum));
                chains = 0;
            }
        }
    }
    Ok(totals)
}

/// What the windows of a run have at a channel and tap; 0 outside the image.
fn gather(conv: &ConvWork, x: &[f32], group: usize, row: usize, run: &Run, out: &mut [f32]) {
    let [ad, ah, aw] = &conv.axes;
    let [td, th, tw] = tap_of(conv, row % conv.taps());
    let channel = group * conv.group_in + row / conv.taps();
    let inside = aw.windows_of(tw);
    out.fill(0.0);
    let Some(first) = aw.position(inside.start, tw).filter(|_| !inside.is_empty()) else { return };
    for (number, out) in (run.first..run.first + run.rows).zip(out.chunks_exact_mut(aw.output)) {
        let (Some(d), Some(h)) = (ad.position(number / ah.output, td), ah.position(number % ah.output, th))
        else {
            continue;
        };
        let from = conv.input.at(run.image, channel, [d, h, first]);
        let step = aw.stride * conv.input.space[2];
        for (out, x) in out[inside.clone()].iter_mut().zip(x[from..].iter().step_by(step)) {
            *out = *x;
        }
    }
}
