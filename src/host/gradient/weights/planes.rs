//! Where channels come first, neighbouring windows are neighbours in every plane: the lanes of a sum add up every 16th of them, and
//! nothing is gathered. For few channels, since every weight has lanes of its own.

use super::blocks::{Windows, products};
use super::{Rows, over_rows, tap_of};
use crate::error::Result;
use crate::host::conv::Padded;
use crate::host::lines::{LANES, Line, mul_add_lines};
use crate::host::simd::Simd;
use crate::host::sum::CHAIN;
use crate::memory;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Weights at most: more lines would not stay in the cache of a thread.
const MOST_WEIGHTS: usize = 1 << 12;

pub(super) fn applies(conv: &ConvWork) -> bool {
    conv.layout == Layout::Nchw
        && conv.axes[2].plain().stride == 1
        && conv.axes[2].output >= LANES
        && conv.out_channels() * conv.group_in * conv.taps() <= MOST_WEIGHTS
}

pub(super) fn planes(conv: &ConvWork, x: &[f32], g: &[f32]) -> Result<Vec<f32>> {
    let image = Padded::new(conv, x)?;
    let taps = conv.taps();
    let mut offsets = memory::room(conv.group_in * taps)?;
    for i in 0..conv.group_in {
        offsets.extend((0..taps).map(|tap| {
            let [d, h, w] = tap_of(conv, tap);
            i * image.strides.c + d * image.taps[0] + h * image.taps[1] + w * image.taps[2]
        }));
    }
    let lines = offsets.len() * conv.out_channels();
    let job = Job { conv, image: &image, g, offsets: &offsets };
    let end = |latest: &[Line], totals: &mut [f64]| {
        totals.iter_mut().zip(latest).for_each(|(total, lanes)| *total += f64::from(added(*lanes)));
    };
    let add = |_: &mut (), row, sums: &mut [Line]| {
        job.row(row, sums);
        Ok(())
    };
    let sums = over_rows(conv, 1, [lines; 2], add, end)?;
    let mut y = memory::filled(0f32, lines)?;
    for (at, sum) in sums.into_iter().enumerate() {
        // As the lines lie: groups, channels by taps, output channels.
        let (rest, o) = (at / conv.group_out, at % conv.group_out);
        let (group, term) = (rest / offsets.len(), rest % offsets.len());
        let to = conv.kernel.at(group * conv.group_out + o, term / taps, tap_of(conv, term % taps));
        y[to] = sum as f32;
    }
    Ok(y)
}

/// The sum of lanes, by halves.
fn added(mut lanes: Line) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

struct Job<'a> {
    conv: &'a ConvWork,
    image: &'a Padded<'a>,
    g: &'a [f32],
    /// Where the taps of the channels of a group lie, seen from a window's first.
    offsets: &'a [usize],
}

impl Job<'_> {
    /// Adds the products of a row of windows.
    fn row(&self, row: Rows, sums: &mut [Line]) {
        let Job { conv, image, g, offsets } = self;
        let (outs, width, [d, h]) = (conv.group_out, conv.axes[2].output, row.at);
        for (group, sums) in sums.chunks_exact_mut(offsets.len() * outs).enumerate() {
            let base = image.base(row.image, [d, h, 0]) + group * conv.group_in * image.strides.c;
            let x = &image.data[base..];
            let g = &g[conv.output.at(row.image, group * outs, [d, h, 0])..];
            for first in (0..width).step_by(CHAIN * LANES) {
                let width = (width - first).min(CHAIN * LANES);
                let run = Run { x: &x[first..], g: &g[first..], plane: conv.output.c, outs, width };
                products(&run, offsets, sums);
            }
        }
    }
}

/// Neighbouring windows.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// From the first window's first tap on.
    x: &'a [f32],
    /// From the first window on.
    g: &'a [f32],
    /// Distance between the output channels of `g`.
    plane: usize,
    outs: usize,
    /// How many windows.
    width: usize,
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
        let x: [&[f32]; N] = offsets.map(|offset| &self.x[offset..][..self.width]);
        let g: [&[f32]; C] = std::array::from_fn(|c| &self.g[(first + c) * self.plane..][..self.width]);
        let whole = self.width / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            for n in 0..N {
                let Some(x) = x[n][at..].first_chunk::<LANES>() else { return };
                for c in 0..C {
                    let Some(g) = g[c][at..].first_chunk::<LANES>() else { return };
                    // SAFETY: `simd` comes from `wide`.
                    unsafe { mul_add_lines(simd, g, x, &mut sums[n][c]) };
                }
            }
        }
        if whole < self.width {
            // The last line ends with the row; what it has in common with the one before counts once.
            let (at, ahead) = (self.width - LANES, LANES - (self.width - whole));
            for n in 0..N {
                let Some(x) = x[n][at..].first_chunk::<LANES>() else { return };
                let x = behind(x, ahead);
                for c in 0..C {
                    let Some(g) = g[c][at..].first_chunk::<LANES>() else { return };
                    // SAFETY: the same.
                    unsafe { mul_add_lines(simd, &behind(g, ahead), &x, &mut sums[n][c]) };
                }
            }
        }
    }
}

/// A line without its first numbers.
#[inline(always)]
fn behind(line: &Line, ahead: usize) -> Line {
    std::array::from_fn(|i| if i < ahead { 0.0 } else { line[i] })
}
