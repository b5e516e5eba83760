//! Weights in the order that tiled convolutions read them in, and what makes up for weights that are not finite.

use super::conv::weight_slots;
use super::narrow::{u32_of, vec4};
use super::regions::WORDS;
use super::turns::Turns;
use super::{Caps, Slot, Step, grid};
use crate::error::Result;
use crate::kernel::params::PackParams;
use crate::kernel::{ActivationKind, KernelKey};
use crate::problem::ConvWork;
use crate::spec::Layout;

/// Words of the header, which says whether a weight is not finite. Blocks begin where any device can bind them.
const HEADER: usize = 64;

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
            stride: words.next_multiple_of(HEADER),
            groups: work.groups,
        }
    }

    /// The first word of a chunk's block.
    pub fn first(&self, group: usize, chunk: usize, block: usize) -> usize {
        HEADER + ((group * self.chunks + chunk) * self.blocks + block) * self.stride
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
    pub fn step(&self, op: &'static str, work: &ConvWork, caps: &Caps) -> Result<Step> {
        let total = self.words() - HEADER;
        let params = PackParams {
            window: vec4(op, work.axes.map(|a| a.kernel), work.taps())?,
            tap_stride: vec4(op, work.kernel.space, work.kernel.i)?,
            tap_out: u32_of(op, work.kernel.o)?,
            group_in: u32_of(op, work.group_in)?,
            group_out: u32_of(op, work.group_out)?,
            lanes: u32_of(op, self.lanes)?,
            blocks: u32_of(op, self.blocks)?,
            chunk: u32_of(op, self.chunk)?,
            chunks: u32_of(op, self.chunks)?,
            header: u32_of(op, HEADER)?,
            stride: u32_of(op, self.stride)?,
            total: u32_of(op, total)?,
            has_bias: u32::from(work.bias),
            pad_0: 0,
        };
        let [weights, bias] = weight_slots(work);
        let grid = grid::invocations(op, total as u64, caps)?;
        let kernel = KernelKey::PackWeights { dtype: work.dtype };
        let step = Step::new(kernel, &params, vec![weights, bias, Slot::Packed(0)], grid);
        Ok(Step { once: true, why: "weights in the order that the next kernel reads, once", ..step })
    }
}

/// Whether the device has the buffers of [`repair`], if it is needed.
pub(super) fn can_repair(work: &ConvWork, caps: &Caps) -> bool {
    let (activation, _) = ActivationKind::of(work.activation);
    let channels_last = work.layout == Layout::Nhwc;
    let kernel = KernelKey::Conv { dtype: work.dtype, activation, channels_last, repair: true };
    !work.reaches_padding() || caps.can_bind(&kernel)
}

/// Makes the general kernel's step one that runs behind a tiled one and computes everything again if a weight is
/// not finite: a tiled kernel multiplies weights with the padding's zeros. `turns` are those of all loops for an output.
///
/// Invocations go through several outputs, because on software adapters those that have nothing to do take time too; but
/// not through so many that the driver ends their loops ([`Caps::max_turns`]).
pub(super) fn repair(op: &'static str, step: Step, turns: Turns, caps: &Caps) -> Result<Step> {
    const MOST_OUTPUTS: u64 = 256;
    /// Short loops around those that are counted.
    const BESIDE: u64 = 16;
    let mut step = step;
    step.kernel = match step.kernel {
        KernelKey::Conv { dtype, activation, channels_last, .. } => {
            KernelKey::Conv { dtype, activation, channels_last, repair: true }
        }
        KernelKey::ConvPool { dtype, activation, channels_last, reduce, .. } => {
            KernelKey::ConvPool { dtype, activation, channels_last, reduce, repair: true }
        }
        other => other,
    };
    let output = step.slots.pop();
    step.slots.push(Slot::Packed(0));
    step.slots.extend(output);
    let workgroups: u64 = step.grid.iter().map(|&side| u64::from(side)).product();
    let outputs = (caps.max_turns / turns.count.saturating_add(BESIDE)).clamp(1, MOST_OUTPUTS);
    step.grid = grid::workgroups(op, workgroups.div_ceil(outputs), caps)?;
    step.why = "computes again what weights that are not finite make of the padding; else nothing";
    Ok(step)
}
