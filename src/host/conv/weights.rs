//! The kernel as a matrix of output channels by terms.

use std::borrow::Cow;

use super::gemm::Matrix;
use super::kernel_taps;
use crate::error::Result;
use crate::host::output::fill;
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Order of the terms of a sum.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Terms {
    /// All taps of an input channel, then those of the next.
    ByChannel,
    /// All input channels of a tap, then those of the next.
    ByTap,
}

pub(super) struct Weights<'a> {
    data: Cow<'a, [f32]>,
    /// Distance between output channels, and between terms.
    out: usize,
    term: usize,
    pub order: Terms,
}

impl<'a> Weights<'a> {
    /// Read where they lie, in their own order; only pixels with all their channels together want the channels of a
    /// tap together, and kernels of another order copied.
    pub fn new(work: &ConvWork, w: &'a [f32]) -> Result<Weights<'a>> {
        let (ks, taps) = (work.kernel, work.taps());
        let in_place = |term, order| Ok(Weights { data: Cow::Borrowed(w), out: ks.o, term, order });
        if taps == 1 {
            return in_place(ks.i, Terms::ByTap);
        }
        let by_channel = ks.space[2] == 1 && ks.i == taps;
        if !by_channel {
            return in_place(ks.i, Terms::ByTap);
        }
        if work.layout == Layout::Nchw {
            return in_place(1, Terms::ByChannel);
        }
        let offsets = kernel_taps(work);
        let terms = work.group_in * taps;
        let data = fill(work.out_channels() * terms, terms, 1 + 4096 / terms, |o, out: &mut [f32]| {
            for (out, tap) in out.chunks_exact_mut(work.group_in).zip(&offsets) {
                out.iter_mut().enumerate().for_each(|(i, out)| *out = w[o * ks.o + i * ks.i + tap]);
            }
        })?;
        Ok(Weights { data: Cow::Owned(data), out: terms, term: 1, order: Terms::ByTap })
    }

    /// Output channels from `first` on.
    pub fn matrix(&self, first: usize) -> Matrix<'_> {
        Matrix { data: &self.data, row: self.out, column: self.term }.from(first, 0)
    }
}
