//! Where channels lie last, what a row of taps reads of a window is one stretch of neighbours: the channels of its first tap, then those
//! of the next. The sums are those of outer products of stretches and gradients, and nothing is gathered.

use super::{Row, over_rows, tap_of};
use crate::error::Result;
use crate::host::conv::Padded;
use crate::host::lines::{LANES, Line, mul_add_line, put_line};
use crate::host::simd::{self, Simd};
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Lines of all sums at most: more would not stay in the cache of a thread.
const MOST_LINES: usize = 1 << 13;

/// Output channels and lines whose sums are kept in registers: of AVX-512, and of narrower ones.
const OUTS: usize = 5;
const LINES: usize = 4;

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
    let sums = over_rows(conv, lines, lines * LANES, |tail, row, sums| job.row(tail, row, sums), end)?;
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
    /// Adds the products of a row of windows.
    fn row(&self, tail: &mut Vec<f32>, row: Row, sums: &mut [Line]) -> Result<()> {
        let Job { conv, image, g, offsets } = self;
        let (outs, width, [d, h]) = (conv.group_out, conv.axes[2].output, row.at);
        let (base, step) = (image.base(row.image, [d, h, 0]), image.windows[2]);
        let g = &g[conv.output.at(row.image, 0, [d, h, 0])..][..width * outs];
        let reach = offsets.last().copied().unwrap_or(0) + (width - 1) * step + LANES;
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
        let chain = width.div_ceil(width.div_ceil(CHAIN));
        for (first, g) in (0..).step_by(chain).zip(g.chunks(chain * outs)) {
            let run = Run { x: &x[first * step..], step, g, outs };
            run.products(offsets, sums);
        }
        Ok(())
    }
}

/// Neighbouring windows.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// From the first window's first tap on.
    x: &'a [f32],
    /// Distance between windows.
    step: usize,
    /// `[window][output channel]`.
    g: &'a [f32],
    outs: usize,
}

impl Run<'_> {
    /// Adds the products of the lines at `offsets` to `sums`, `[line][output channel]`.
    fn products(&self, offsets: &[usize], sums: &mut [Line]) {
        let most = if simd::level() == Simd::Avx512 { LINES } else { 1 };
        let (tiles, blocks) = (offsets.len().div_ceil(most), self.outs.div_ceil(OUTS));
        let (lines, channels) = (offsets.len().div_ceil(tiles), self.outs.div_ceil(blocks));
        for (offsets, sums) in offsets.chunks(lines).zip(sums.chunks_mut(lines * self.outs)) {
            for first in (0..self.outs).step_by(channels) {
                let count = channels.min(self.outs - first);
                wide!(|simd| match offsets.len() {
                    4.. if simd == Simd::Avx512 => self.outputs::<4>(simd, offsets, first, count, sums),
                    3 if simd == Simd::Avx512 => self.outputs::<3>(simd, offsets, first, count, sums),
                    2 if simd == Simd::Avx512 => self.outputs::<2>(simd, offsets, first, count, sums),
                    _ => self.outputs::<1>(simd, offsets, first, count, sums),
                });
            }
        }
    }

    #[inline(always)]
    fn outputs<const N: usize>(
        &self,
        simd: Simd,
        offsets: &[usize],
        first: usize,
        count: usize,
        sums: &mut [Line],
    ) {
        let Some(offsets) = offsets.first_chunk::<N>() else { return };
        match count {
            1 => self.block::<N, 1>(simd, offsets, first, sums),
            2 => self.block::<N, 2>(simd, offsets, first, sums),
            3 => self.block::<N, 3>(simd, offsets, first, sums),
            4 => self.block::<N, 4>(simd, offsets, first, sums),
            _ => self.block::<N, OUTS>(simd, offsets, first, sums),
        }
    }

    /// `N` lines by `C` output channels from `first` on.
    #[inline(always)]
    fn block<const N: usize, const C: usize>(
        &self,
        simd: Simd,
        offsets: &[usize; N],
        first: usize,
        sums: &mut [Line],
    ) {
        let mut latest = [[Line::default(); C]; N];
        for (window, g) in self.g.chunks_exact(self.outs).enumerate() {
            let Some(g) = g[first..].first_chunk::<C>() else { return };
            let at = window * self.step;
            for n in 0..N {
                let Some(x) = self.x[at + offsets[n]..].first_chunk::<LANES>() else { return };
                for c in 0..C {
                    // SAFETY: `simd` comes from `wide`.
                    unsafe { mul_add_line(simd, g[c], x, &mut latest[n][c]) };
                }
            }
        }
        for (latest, sums) in latest.iter().zip(sums.chunks_exact_mut(self.outs)) {
            for (latest, sum) in latest.iter().zip(&mut sums[first..]) {
                // SAFETY: the same.
                unsafe { put_line(simd, latest, true, sum) };
            }
        }
    }
}
