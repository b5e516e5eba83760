//! The elements under the windows of many pixels, side by side as the matrix product wants them.

use std::ops::Range;

use super::gemm::Matrix;
use super::padded::Padded;
use super::weights::{Terms, Weights};
use super::{pixel, tap_offsets};
use crate::host::simd::wide;
use crate::problem::ConvWork;
use crate::spec::Layout;

pub(super) struct Gather<'a> {
    work: &'a ConvWork,
    image: &'a Padded<'a>,
    /// Contiguous terms: where they begin, seen from a pixel's base, and how many there are in each piece.
    offsets: Vec<usize>,
    piece: usize,
    in_place: bool,
}

/// Neighbouring pixels of one row: where the first has its base, and their number.
pub(super) type Run = (usize, usize);

impl<'a> Gather<'a> {
    pub fn new(work: &'a ConvWork, image: &'a Padded<'a>, weights: &Weights) -> Gather<'a> {
        let taps = tap_offsets(work, image.taps);
        let channels = 0..work.group_in;
        let (mut offsets, mut piece): (Vec<usize>, usize) = match (work.layout, weights.order) {
            // Channels of a tap lie together.
            (Layout::Nhwc, _) => (taps, work.group_in),
            (_, Terms::ByTap) => {
                let channels =
                    |t: &usize| channels.clone().map(move |i| i * image.strides.c + t).collect::<Vec<_>>();
                (taps.iter().flat_map(channels).collect(), 1)
            }
            (_, Terms::ByChannel) => {
                (channels.flat_map(|i| taps.iter().map(move |t| i * image.strides.c + t)).collect(), 1)
            }
        };
        // So do neighbouring taps of undivided channels.
        let width = work.axes[2].kernel;
        if work.layout == Layout::Nhwc && work.groups == 1 && image.taps[2] == work.group_in {
            offsets = offsets.into_iter().step_by(width).collect();
            piece *= width;
        }
        // Single taps one after another, as the image holds them.
        let in_place = work
            .axes
            .iter()
            .all(|a| a.kernel == 1 && a.output == a.input && a.stride == 1 && a.pad_before == 0);
        Gather { work, image, offsets, piece, in_place }
    }

    /// Terms of each pixel's sum.
    pub fn terms(&self) -> usize {
        self.offsets.len() * self.piece
    }

    /// Whether the image itself is the matrix.
    pub fn in_place(&self) -> bool {
        self.in_place
    }

    /// The image from pixel `first` on as a matrix: channels by pixels, or pixels by channels. Channels first, it
    /// ends with the pixel's image.
    pub fn matrix_in_place(&self, group: usize, first: usize) -> Option<Matrix<'_>> {
        if !self.in_place {
            return None;
        }
        let (strides, channel) = (self.image.strides, group * self.work.group_in);
        let data: &[f32] = &self.image.data;
        Some(match self.work.layout {
            Layout::Nchw => {
                let (n, p) = (first / self.work.pixels(), first % self.work.pixels());
                let from = n * strides.n + channel * strides.c + p;
                Matrix { data: &data[from..], row: strides.c, column: 1 }
            }
            Layout::Nhwc => {
                let row = self.work.in_channels();
                Matrix { data: &data[first * row + channel..], row, column: 1 }
            }
        })
    }

    /// The matrix of all pixels, of which `data` holds the terms.
    pub fn whole<'d>(&self, data: &'d [f32]) -> Matrix<'d> {
        let row = match self.work.layout {
            Layout::Nchw => self.work.batch * self.work.pixels(),
            Layout::Nhwc => self.terms(),
        };
        Matrix { data, row, column: 1 }
    }

    /// Pixels as runs of neighbours.
    pub fn runs(&self, group: usize, pixels: Range<usize>) -> Vec<Run> {
        let (plane, width) = (self.work.pixels(), self.work.axes[2].output);
        let channel = group * self.work.group_in * self.image.strides.c;
        let mut runs = Vec::with_capacity(pixels.len() / width + 2);
        let mut at = pixels.start;
        while at < pixels.end {
            let place = pixel(self.work, at % plane);
            let count = (width - place[2]).min(pixels.end - at);
            runs.push((channel + self.image.base(at / plane, place), count));
            at += count;
        }
        runs
    }

    /// Writes `terms` by pixels.
    pub fn columns(&self, runs: &[Run], terms: Range<usize>, out: &mut [f32]) {
        let (x, step): (&[f32], _) = (&self.image.data, self.image.windows[2]);
        let offsets = &self.offsets[terms];
        wide(
            #[inline(always)]
            |_| {
                let mut rest = out;
                for offset in offsets {
                    for &(base, count) in runs {
                        let Some((out, behind)) = std::mem::take(&mut rest).split_at_mut_checked(count)
                        else {
                            return;
                        };
                        let x = &x[base + offset..][..(count - 1) * step + 1];
                        match step {
                            1 => out.copy_from_slice(x),
                            2 => every::<2>(x, out),
                            _ => out.iter_mut().zip(x.iter().step_by(step)).for_each(|(o, x)| *o = *x),
                        }
                        rest = behind;
                    }
                }
            },
        );
    }

    /// Writes pixels by `terms`.
    pub fn rows(&self, runs: &[Run], terms: Range<usize>, out: &mut [f32]) {
        let (x, step): (&[f32], _) = (&self.image.data, self.image.windows[2]);
        let mut pieces = Vec::new();
        let mut at = terms.start;
        while at < terms.end {
            let (piece, inside) = (at / self.piece, at % self.piece);
            let count = (self.piece - inside).min(terms.end - at);
            pieces.push((self.offsets[piece] + inside, count));
            at += count;
        }
        let bases = runs.iter().flat_map(|&(base, count)| (0..count).map(move |i| base + i * step));
        for (base, out) in bases.zip(out.chunks_exact_mut(terms.len().max(1))) {
            let mut rest = out;
            for &(offset, count) in &pieces {
                let Some((out, behind)) = std::mem::take(&mut rest).split_at_mut_checked(count) else {
                    return;
                };
                out.copy_from_slice(&x[base + offset..][..count]);
                rest = behind;
            }
        }
    }
}

/// Every `STEP`th element.
#[inline(always)]
fn every<const STEP: usize>(x: &[f32], out: &mut [f32]) {
    let Some((last, out)) = out.split_last_mut() else { return };
    for (out, x) in out.iter_mut().zip(x.chunks_exact(STEP)) {
        *out = x[0];
    }
    // The last may be the image's last element, without others behind it.
    *last = x.last().copied().unwrap_or(0.0);
}
