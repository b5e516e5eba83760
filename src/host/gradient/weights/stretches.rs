//! Where channels lie last, what a row of taps reads of a window is one stretch of neighbours: the channels of its first tap, then those
//! of the next. The sums are those of outer products of stretches and gradients, and nothing is gathered.

use super::blocks::{Windows, products};
use super::{Rows, over_rows, tap_of};
use crate::error::Result;
use crate::host::conv::Padded;
use crate::host::lines::{LANES, Line, mul_add_line};
use crate::host::simd::Simd;
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Lines of all sums at most: more would not stay in the cache of a thread.
const MOST_LINES: usize = 1 << 13;

pub(super) fn applies(conv: &ConvWork) -> bool {
    let across = conv.axes[2].plain();
    conv.layout == Layout::Nhwc
        && conv.groups == 1
        && across.dilation == 1
        && lines_of(conv) * conv.group_out <= MOST_LINES
}

/// Lines of a stretch.
fn lines_of_stretch(conv: &ConvWork) -> usize {
    (conv.axes[2].kernel * conv.group_in).div_ceil(LANES)
}

/// Lines of the stretches of a window.
fn lines_of(conv: &ConvWork) -> usize {
    conv.axes[0].kernel * conv.axes[1].kernel * lines_of_stretch(conv)
}

pub(super) fn stretches(conv: &ConvWork, x: &[f32], g: &[f32]) -> Result<Vec<f32>> {
    let image = Padded::new(conv, x)?;
    let (outs, of_stretch) = (conv.group_out, lines_of_stretch(conv));
    let mut offsets = memory::room(lines_of(conv))?;
    for d in 0..conv.axes[0].kernel {
        for h in 0..conv.axes[1].kernel {
            let first = d * image.taps[0] + h * image.taps[1];
            offsets.extend((0..of_stretch).map(|line| first + line * LANES));
        }
    }
    let lines = offsets.len() * outs;
    let job = Job { conv, image: &image, g, offsets: &offsets };
    let end = |latest: &[Line], totals: &mut [f64]| {
        totals.iter_mut().zip(latest.as_flattened()).for_each(|(total, sum)| *total += f64::from(*sum));
    };
    // Rows that are one chain together: fewer sums leave the registers.
    let together = (CHAIN / conv.axes[2].output).max(1);
    let add = |tail: &mut Vec<f32>, rows: Rows, sums: &mut [Line]| job.rows(tail, rows, sums);
    let sums = over_rows(conv, together, [lines, lines * LANES], add, end)?;
    let (taps, channels) = (conv.taps(), conv.group_in);
    let mut y = memory::filled(0f32, outs * channels * taps)?;
    for tap in 0..taps {
        let [d, h, w] = tap_of(conv, tap);
        for i in 0..channels {
            let at = w * channels + i;
            let line = (d * conv.axes[1].kernel + h) * of_stretch + at / LANES;
            for o in 0..outs {
                y[conv.kernel.at(o, i, [d, h, w])] = sums[(line * outs + o) * LANES + at % LANES] as f32;
            }
        }
    }
    Ok(y)
}

struct Job<'a> {
    conv: &'a ConvWork,
    image: &'a Padded<'a>,
    g: &'a [f32],
    /// Where the lines of a window lie, seen from its first tap.
    offsets: &'a [usize],
}

impl Job<'_> {
    /// Adds the products of some rows of windows.
    fn rows(&self, tail: &mut Vec<f32>, rows: Rows, sums: &mut [Line]) -> Result<()> {
        let Job { conv, image, g, offsets } = self;
        let (outs, width, [d, h]) = (conv.group_out, conv.axes[2].output, rows.at);
        let [_, row, step] = image.windows;
        let base = image.base(rows.image, [d, h, 0]);
        let g = &g[conv.output.at(rows.image, 0, [d, h, 0])..][..rows.count * width * outs];
        let last = offsets.last().copied().unwrap_or(0);
        let reach = last + (rows.count - 1) * row + (width - 1) * step + LANES;
        let x = match image.data.get(base..base + reach) {
            Some(x) => x,
            // The last line of the last windows reaches behind the end.
            None => {
                tail.clear();
                memory::extend(tail, image.data[base..].iter().copied())?;
                memory::resize(tail, reach, 0.0)?;
                tail
            }
        };
        // A chain is several rows, or a part of one.
        let chain = if rows.count > 1 { width } else { width.div_ceil(width.div_ceil(CHAIN)) };
        for (first, g) in (0..).step_by(chain).zip(g.chunks(chain * rows.count * outs)) {
            products(&Run { x: &x[first * step..], row, step, g, width: chain, outs }, offsets, sums);
        }
        Ok(())
    }
}

/// Windows of some rows.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// From the first window's first tap on.
    x: &'a [f32],
    /// Distances between rows, and between windows.
    row: usize,
    step: usize,
    /// `[row][window][output channel]`.
    g: &'a [f32],
    /// Windows of a row.
    width: usize,
    outs: usize,
}

impl Windows for Run<'_> {
    fn outs(&self) -> usize {
        self.outs
    }

    #[inline(always)]
    fn add<const N: usize, const C: usize>(
        &self,
        simd: Simd,
        offsets: &[usize; N],
        first: usize,
        sums: &mut [[Line; C]; N],
    ) {
        for (row, g) in self.g.chunks(self.width * self.outs).enumerate() {
            for (window, g) in g.chunks_exact(self.outs).enumerate() {
                let Some(g) = g[first..].first_chunk::<C>() else { return };
                let at = row * self.row + window * self.step;
                for n in 0..N {
                    let Some(x) = self.x[at + offsets[n]..].first_chunk::<LANES>() else { return };
                    for c in 0..C {
                        // SAFETY: `simd` comes from `wide`.
                        unsafe { mul_add_line(simd, g[c], x, &mut sums[n][c]) };
                    }
                }
            }
        }
    }
}
