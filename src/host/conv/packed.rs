//! Weights in the order in which the innermost loops read them.

use std::ops::Range;

use super::kernel_taps;
use super::micro::CHANNELS;
use crate::error::Result;
use crate::host::output::{WORTH_SHARING, fill};
use crate::problem::ConvWork;

/// For each block of output channels its weights as `[term][channel]`; terms are all taps of an input channel, then
/// those of the next.
#[derive(Clone, Debug)]
pub(in crate::host) struct Packed {
    data: Vec<f32>,
    terms: usize,
    group_out: usize,
    /// Output channels of a block; the last of a group may have fewer.
    block: usize,
    /// Blocks of a group.
    pub blocks: usize,
}

impl Packed {
    pub fn new(work: &ConvWork, w: &[f32]) -> Result<Packed> {
        let (ks, taps) = (work.kernel, kernel_taps(work)?);
        let terms = work.group_in * taps.len();
        let blocks = work.group_out.div_ceil(CHANNELS);
        let block = work.group_out.div_ceil(blocks);
        let blocks = work.group_out.div_ceil(block);
        let len = block * terms;
        let data =
            fill(work.groups * blocks * len, len, WORTH_SHARING.div_ceil(len), |i, out: &mut [f32]| {
                let (group, from) = (i / blocks, i % blocks * block);
                let count = block.min(work.group_out - from);
                let first = (group * work.group_out + from) * ks.o;
                let places = (0..work.group_in).flat_map(|i| taps.iter().map(move |tap| i * ks.i + tap));
                for (place, out) in places.zip(out.chunks_exact_mut(count)) {
                    let weights = w[first + place..].iter().step_by(ks.o);
                    out.iter_mut().zip(weights).for_each(|(out, w)| *out = *w);
                }
            })?;
        Ok(Packed { data, terms, group_out: work.group_out, block, blocks })
    }

    /// The output channels of a block, counted in its group.
    pub fn channels(&self, block: usize) -> Range<usize> {
        block * self.block..self.group_out.min((block + 1) * self.block)
    }

    /// The weights of a block from term `first` on.
    #[inline(always)]
    pub fn weights(&self, group: usize, block: usize, first: usize) -> &[f32] {
        let from = (group * self.blocks + block) * self.block * self.terms;
        &self.data[from + first * self.channels(block).len()..]
    }
}
