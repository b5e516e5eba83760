//! Weights in the order in which the innermost loops read them.

use std::ops::Range;

use super::kernel_taps;
use super::lanes::{self, LANES};
use super::micro::{CHANNELS, Row};
use super::shares::shares;
use crate::error::Result;
use crate::host::output::{WORTH_SHARING, fill};
use crate::problem::ConvWork;
use crate::spec::Layout;

/// For each block of output channels its weights as `[term][channel]`. Channels first, terms are all taps of an input channel, then
/// those of the next; channels last, all input channels of a tap.
#[derive(Clone, Debug)]
pub(in crate::host) struct Packed {
    data: Vec<Row>,
    terms: usize,
    group_out: usize,
    /// The most output channels of a block.
    block: usize,
    /// Blocks of a group. In lanes their lines differ by one at most; else the last of a group may have fewer channels.
    pub blocks: usize,
    /// Whether blocks are those of [`lanes`], in which zeros fill the channels' last line, or those of
    /// [`micro`](super::micro).
    pub in_lanes: bool,
    /// Whether what pixels read is gathered for [`lanes`]: where windows share nothing.
    pub gathers: bool,
}

impl Packed {
    pub fn new(work: &ConvWork, w: &[f32]) -> Result<Packed> {
        let (ks, taps) = (work.kernel, kernel_taps(work)?);
        let terms = work.group_in * taps.len();
        let in_lanes = in_lanes(work);
        let (blocks, block) = if in_lanes {
            let lines = work.group_out.div_ceil(LANES);
            let parts = shares(work).map_or(1, |shares| shares.lines);
            let blocks = (parts * lines.div_ceil(parts).div_ceil(lanes::most_lines())).min(lines);
            (blocks, lines.div_ceil(blocks) * LANES)
        } else {
            let block = work.group_out.div_ceil(work.group_out.div_ceil(CHANNELS));
            (work.group_out.div_ceil(block), block)
        };
        let len = rows(block * terms);
        let data = fill(
            work.groups * blocks * len,
            len,
            WORTH_SHARING.div_ceil(len * LANES),
            |i, out: &mut [Row]| {
                let out: &mut [f32] = bytemuck::cast_slice_mut(out);
                let (group, channels) =
                    (i / blocks, channels(in_lanes, work.group_out, blocks, block, i % blocks));
                let (from, count) = (channels.start, channels.len());
                let width = if in_lanes { count.next_multiple_of(LANES) } else { count };
                let first = (group * work.group_out + from) * ks.o;
                let inputs = work.group_in;
                for (term, out) in out.chunks_exact_mut(width).take(terms).enumerate() {
                    let (i, tap) = match work.layout {
                        Layout::Nchw => (term / taps.len(), term % taps.len()),
                        Layout::Nhwc => (term % inputs, term / inputs),
                    };
                    let weights = w[first + i * ks.i + taps[tap]..].iter().step_by(ks.o);
                    out[..count].iter_mut().zip(weights).for_each(|(out, w)| *out = *w);
                }
            },
        )?;
        let gathers = in_lanes && work.taps() == 1 && work.layout == Layout::Nchw;
        Ok(Packed { data, terms, group_out: work.group_out, block, blocks, in_lanes, gathers })
    }

    /// The output channels of a block, counted in its group.
    pub fn channels(&self, block: usize) -> Range<usize> {
        channels(self.in_lanes, self.group_out, self.blocks, self.block, block)
    }

    /// The weights of a block from term `first` on.
    #[inline(always)]
    pub fn weights(&self, group: usize, block: usize, first: usize) -> &[f32] {
        &bytemuck::cast_slice(self.of(group, block))[first * self.channels(block).len()..]
    }

    /// The lines of a block.
    pub(super) fn of(&self, group: usize, block: usize) -> &[Row] {
        let len = rows(self.block * self.terms);
        &self.data[(group * self.blocks + block) * len..][..len]
    }
}

/// The output channels of block `i`.
#[inline(always)]
fn channels(in_lanes: bool, group_out: usize, blocks: usize, block: usize, i: usize) -> Range<usize> {
    if in_lanes {
        let lines = group_out.div_ceil(LANES);
        let first = |i: usize| (i * lines / blocks * LANES).min(group_out);
        return first(i)..first(i + 1);
    }
    i * block..group_out.min((i + 1) * block)
}

/// Cache lines that hold `len` elements.
fn rows(len: usize) -> usize {
    len.div_ceil(LANES)
}

/// Output channels from which on gathering what a pixel reads costs little beside the products with it, in blocks of several lines.
const MANY: usize = 192;

/// Whether blocks are those of [`lanes`].
fn in_lanes(work: &ConvWork) -> bool {
    let filled = work.group_out.next_multiple_of(LANES);
    match work.layout {
        // Output channels fill lanes but for a ninth, and windows share what they read, or there are many for what is read: each number
        // would come from another line of the cache.
        Layout::Nchw => {
            let pays = work.taps() > 1 || (lanes::most_lines() > 1 && work.group_out >= MANY);
            pays && filled * 8 <= work.group_out * 9
        }
        Layout::Nhwc => true,
    }
}
