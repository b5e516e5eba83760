//! The elements under the windows of many pixels, side by side as the matrix product wants them.

use std::ops::Range;

use super::gemm::Matrix;
use super::padded::Padded;
use super::{pixel, tap_offsets};
use crate::error::Result;
use crate::memory;
use crate::problem::ConvWork;

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
    pub fn new(work: &'a ConvWork, image: &'a Padded<'a>) -> Result<Gather<'a>> {
        // Channels of a tap lie together, and so do neighbouring taps of undivided channels.
        let (mut offsets, mut piece) = (tap_offsets(work, image.taps)?, work.group_in);
        let width = work.axes[2].kernel;
        if work.groups == 1 && image.taps[2] == work.group_in {
            offsets = memory::collected(offsets.into_iter().step_by(width))?;
            piece *= width;
        }
        // Single taps one after another, as the image holds them.
        let in_place = work
            .axes
            .iter()
            .all(|a| a.kernel == 1 && a.output == a.input && a.stride == 1 && a.pad_before == 0);
        Ok(Gather { work, image, offsets, piece, in_place })
    }

    /// Terms of each pixel's sum.
    pub fn terms(&self) -> usize {
        self.offsets.len() * self.piece
    }

    /// Whether the image itself is the matrix.
    pub fn in_place(&self) -> bool {
        self.in_place
    }

    /// The image from pixel `first` on as a matrix, pixels by channels.
    pub fn matrix_in_place(&self, group: usize, first: usize) -> Option<Matrix<'_>> {
        if !self.in_place {
            return None;
        }
        let (row, channel) = (self.work.in_channels(), group * self.work.group_in);
        Some(Matrix { data: &self.image.data[first * row + channel..], row, column: 1 })
    }

    /// The matrix of all pixels, of which `data` holds the terms.
    pub fn whole<'d>(&self, data: &'d [f32]) -> Matrix<'d> {
        Matrix { data, row: self.terms(), column: 1 }
    }

    /// Pixels as runs of neighbours.
    pub fn runs(&self, group: usize, pixels: Range<usize>) -> Result<Vec<Run>> {
        let (plane, width) = (self.work.pixels(), self.work.axes[2].output);
        let channel = group * self.work.group_in * self.image.strides.c;
        let mut runs = memory::room(pixels.len() / width + 2)?;
        let mut at = pixels.start;
        while at < pixels.end {
            let place = pixel(self.work, at % plane);
            let count = (width - place[2]).min(pixels.end - at);
            runs.push((channel + self.image.base(at / plane, place), count));
            at += count;
        }
        Ok(runs)
    }

    /// Writes pixels by `terms`.
    pub fn rows(&self, runs: &[Run], terms: Range<usize>, out: &mut [f32]) -> Result<()> {
        let (x, step): (&[f32], _) = (&self.image.data, self.image.windows[2]);
        let mut pieces = memory::room(terms.len().div_ceil(self.piece) + 1)?;
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
                    return Ok(());
                };
                out.copy_from_slice(&x[base + offset..][..count]);
                rest = behind;
            }
        }
        Ok(())
    }
}
