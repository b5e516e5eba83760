//! The kernel as a matrix of output channels by terms: all input channels of a tap, then those of the next.

use std::borrow::Cow;

use super::gemm::Matrix;
use super::kernel_taps;
use crate::error::Result;
use crate::host::output::fill;
use crate::problem::ConvWork;

pub(super) struct Weights<'a> {
    data: Cow<'a, [f32]>,
    /// Distance between output channels, and between terms.
    out: usize,
    term: usize,
}

impl<'a> Weights<'a> {
    /// Read where they lie, or copied if the taps of an input channel lie together.
    pub fn new(work: &ConvWork, w: &'a [f32]) -> Result<Weights<'a>> {
        let (ks, taps) = (work.kernel, work.taps());
        if taps == 1 || ks.space[2] != 1 || ks.i != taps {
            return Ok(Weights { data: Cow::Borrowed(w), out: ks.o, term: ks.i });
        }
        let offsets = kernel_taps(work)?;
        let terms = work.group_in * taps;
        let data = fill(work.out_channels() * terms, terms, 1 + 4096 / terms, |o, out: &mut [f32]| {
            for (out, tap) in out.chunks_exact_mut(work.group_in).zip(&offsets) {
                out.iter_mut().enumerate().for_each(|(i, out)| *out = w[o * ks.o + i * ks.i + tap]);
            }
        })?;
        Ok(Weights { data: Cow::Owned(data), out: terms, term: 1 })
    }

    /// Output channels from `first` on.
    pub fn matrix(&self, first: usize) -> Matrix<'_> {
        Matrix { data: &self.data, row: self.out, column: self.term }.from(first, 0)
    }
}
