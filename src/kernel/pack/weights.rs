//! `pack/weights.wgsl`: weights of tiled convolutions.

use crate::kernel::common::*;

/// Weights in the order that tiled convolutions read them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackWeights {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for PackWeights {
    fn row(&self) -> Row {
        typed(PackParams::BLOCK, self.dtype, &[EACH, shader!("pack/weights.wgsl")], (2, 1))
    }

    fn every() -> Vec<PackWeights> {
        FLOATS.map(|dtype| PackWeights { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `pack/weights.wgsl`.
    PackParams {
        /// Depth, height, width, taps in all.
        window: [u32; 4],
        /// Kernel: depth, height, width, input channel.
        tap_stride: [u32; 4],
        /// Kernel: output channel.
        tap_out: u32,
        /// Input channels of a group.
        group_in: u32,
        /// Output channels of a group.
        group_out: u32,
        /// Output channels of a block.
        lanes: u32,
        /// Of a group.
        blocks: u32,
        /// Input channels of a chunk.
        chunk: u32,
        chunks: u32,
        /// Words from block to block.
        stride: u32,
        /// Words of all blocks.
        total: u32,
        has_bias: u32,
        pad_0: u32,
        pad_1: u32,
    }
}
