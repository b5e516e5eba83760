//! The gradient of a kernel. Whatever way it is computed, sums are shared out to as many tasks as the shape says, whatever the
//! threads, and added in order, so that results are the same bits in every run.

mod dense;
mod direct;
mod planes;
mod product;
mod stretches;

use rayon::prelude::*;

use crate::error::Result;
use crate::host::lines::Line;
use crate::memory;
use crate::problem::{ConvWork, WeightsWork};

/// Tasks that sums are divided into at most.
const TASKS: usize = 64;

/// Chains of products that are added in 32 bits.
const CHAINS: usize = 16;

pub(super) fn weights(work: &WeightsWork, x: &[f32], g: &[f32]) -> Result<Vec<f32>> {
    let conv = &work.conv;
    if !conv.little_outside() {
        return direct::direct(conv, x, g);
    }
    if dense::applies(conv) {
        return dense::dense(conv, x, g);
    }
    if stretches::applies(conv) {
        return stretches::stretches(conv, x, g);
    }
    if planes::applies(conv) {
        return planes::planes(conv, x, g);
    }
    product::product(conv, x, g)
}

/// Rows of windows of an image, and windows of a row.
fn rows_of(conv: &ConvWork) -> (usize, usize) {
    let [d, h, w] = conv.axes.map(|a| a.output);
    (d * h, w)
}

/// Place `[d, h, w]` of a tap.
fn tap_of(conv: &ConvWork, tap: usize) -> [usize; 3] {
    let [_, h, w] = conv.axes.map(|a| a.kernel);
    [tap / w / h, tap / w % h, tap % w]
}

/// A row of windows.
#[derive(Clone, Copy)]
struct Row {
    image: usize,
    /// Depth and height.
    at: [usize; 2],
}

/// What each of `len` numbers is in all lines that `add` adds to, over the rows of windows of all images: `end` makes a total of what a
/// few rows have added to some lines, which start from zero again.
fn over_rows<S: Default>(
    conv: &ConvWork,
    lines: usize,
    len: usize,
    add: impl Fn(&mut S, Row, &mut [Line]) -> Result<()> + Sync,
    end: impl Fn(&[Line], &mut [f64]) + Sync,
) -> Result<Vec<f64>> {
    let height = conv.axes[1].output;
    let of_image = rows_of(conv).0;
    let rows = conv.batch * of_image;
    let tasks = TASKS.min(rows).max(1);
    let of = |task: usize| -> Result<Vec<f64>> {
        let mut scratch = S::default();
        let (mut totals, mut latest) = (memory::filled(0f64, len)?, memory::filled(Line::default(), lines)?);
        let (first, last) = (task * rows / tasks, (task + 1) * rows / tasks);
        for (count, row) in (first..last).enumerate() {
            let (image, row) = (row / of_image, row % of_image);
            add(&mut scratch, Row { image, at: [row / height, row % height] }, &mut latest)?;
            if (count + 1).is_multiple_of(CHAINS) {
                end(&latest, &mut totals);
                latest.fill(Line::default());
            }
        }
        end(&latest, &mut totals);
        Ok(totals)
    };
    let parts = (0..tasks).into_par_iter().map(of).collect::<Result<Vec<_>>>()?;
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    for part in parts {
        all.iter_mut().zip(part).for_each(|(all, part)| *all += part);
    }
    Ok(all)
}
