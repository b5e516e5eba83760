//! The gradient of a kernel. Whatever way it is computed, sums are shared out to as many tasks as the shape says, whatever the
//! threads, and added in order, so that results are the same bits in every run.

mod blocks;
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

/// Windows of a task at least, where lines are made for each.
const LEAST: usize = 256;

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

/// Rows of windows, of one depth.
#[derive(Clone, Copy)]
struct Rows {
    image: usize,
    /// Depth and height of the first.
    at: [usize; 2],
    count: usize,
}

/// What each of `len` numbers is in all `lines` that `add` adds to, over the rows of windows of all images, of which it takes as many as
/// `together` at a time: `end` makes a total of what a few calls have added to the lines, which start from zero again.
fn over_rows<S: Default>(
    conv: &ConvWork,
    together: usize,
    [lines, len]: [usize; 2],
    add: impl Fn(&mut S, Rows, &mut [Line]) -> Result<()> + Sync,
    end: impl Fn(&[Line], &mut [f64]) + Sync,
) -> Result<Vec<f64>> {
    let [depth, height, width] = conv.axes.map(|a| a.output);
    let of_plane = height.div_ceil(together);
    let of_image = depth * of_plane;
    let all = conv.batch * of_image;
    // Each task has lines of its own, which are made and added up.
    let tasks = TASKS.min(conv.batch * depth * height * width / LEAST).clamp(1, all.max(1));
    let of = |task: usize| -> Result<Vec<f64>> {
        let mut scratch = S::default();
        let (mut totals, mut latest) = (memory::filled(0f64, len)?, memory::filled(Line::default(), lines)?);
        let (first, last) = (task * all / tasks, (task + 1) * all / tasks);
        for (number, at) in (first..last).enumerate() {
            let (image, at) = (at / of_image, at % of_image);
            let first = at % of_plane * together;
            let rows = Rows { image, at: [at / of_plane, first], count: together.min(height - first) };
            add(&mut scratch, rows, &mut latest)?;
            if (number + 1).is_multiple_of(CHAINS) {
                end(&latest, &mut totals);
                latest.fill(Line::default());
            }
        }
        end(&latest, &mut totals);
        Ok(totals)
    };
    let parts = (0..tasks).into_par_iter().map(of).collect::<Result<Vec<_>>>()?;
    let mut parts = parts.into_iter();
    let mut sums = parts.next().unwrap_or_default();
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    Ok(sums)
}
