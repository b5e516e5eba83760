//! Weights in the order that tiled convolutions read them in.

use super::regions::WORDS;
use crate::error::Result;
use crate::kernel::{PackParams, PackWeights};
use crate::plan::conv::slots::weight_slots;
use crate::plan::{Planner, Slot, Step};
use crate::problem::ConvWork;

/// Words that blocks begin at multiples of, so that any device can bind them.
const ALIGNMENT: usize = 64;

/// Where packed weights lie: chunks of input channels, each in blocks of output channels, so that several blocks lie in a
/// page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packing {
    /// Output channels of a block.
    pub lanes: usize,
    /// Blocks of a group.
    pub blocks: usize,
    /// Input channels of a chunk.
    pub chunk: usize,
    /// Chunks of a group.
    pub chunks: usize,
    /// Words from block to block, a multiple of four.
    pub stride: usize,
    /// Groups.
    groups: usize,
}

impl Packing {
    pub fn new(work: &ConvWork, lanes: usize, chunk: usize) -> Packing {
        let words = (chunk * work.taps() + 1) * lanes;
        Packing {
            lanes,
            blocks: work.group_out.div_ceil(lanes),
            chunk,
            chunks: work.group_in.div_ceil(chunk),
            stride: words.next_multiple_of(ALIGNMENT),
            groups: work.groups,
        }
    }

    /// The first word of a chunk's block.
    pub fn first(&self, group: usize, chunk: usize, block: usize) -> usize {
        ((group * self.chunks + chunk) * self.blocks + block) * self.stride
    }

    /// Blocks of a dispatch: as many as lie in a page, divided evenly.
    pub fn together(&self) -> usize {
        let most = (WORDS / self.stride).max(1);
        self.blocks.div_ceil(self.blocks.div_ceil(most))
    }

    /// Words of all.
    pub fn words(&self) -> usize {
        self.first(self.groups, 0, 0)
    }

    /// The step that packs them, once.
    pub fn step(&self, p: &Planner, work: &ConvWork) -> Result<Step> {
        let total = self.words();
        let params = PackParams {
            window: p.vec4(work.axes.map(|a| a.kernel), work.taps())?,
            tap_stride: p.vec4(work.kernel.space, work.kernel.i)?,
            tap_out: p.u32(work.kernel.o)?,
            group_in: p.u32(work.group_in)?,
            group_out: p.u32(work.group_out)?,
            lanes: p.u32(self.lanes)?,
            blocks: p.u32(self.blocks)?,
            chunk: p.u32(self.chunk)?,
            chunks: p.u32(self.chunks)?,
            stride: p.u32(self.stride)?,
            total: p.u32(total)?,
            has_bias: u32::from(work.bias),
            pad_0: 0,
            pad_1: 0,
        };
        let [weights, bias] = weight_slots(work);
        let grid = p.invocations(total as u64)?;
        let kernel = PackWeights { dtype: work.dtype };
        let step = Step::new(kernel, &params, vec![weights, bias, Slot::Packed(0)], grid);
        Ok(Step { prepack: true, why: "weights in the order that the next kernel reads, once", ..step })
    }
}
