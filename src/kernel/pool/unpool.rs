//! `pool/unpool.wgsl`: max unpooling.

use crate::kernel::common::*;

/// A stage of max unpooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unpool {
    /// 0 forgets who owns each output, 1 lets the last input own it, 2 writes.
    pub stage: u32,
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for Unpool {
    fn row(&self) -> Row {
        let text =
            vec![self.dtype.row().words, INDEX, shader!("lib/unpooled.wgsl"), shader!("pool/unpool.wgsl")];
        let row = row(UnpoolParams::BLOCK, self.dtype, text, (2, 2));
        Row { words: true, ..row }.with("STAGE", self.stage)
    }

    fn every() -> Vec<Unpool> {
        let of = |(stage, dtype)| Unpool { stage, dtype };
        pairs(0..3, ORDERED).map(of).collect()
    }
}

uniform! {
    /// Parameters of `pool/unpool.wgsl`.
    UnpoolParams {
        /// Depth, height, width, channels.
        in_size: [u32; 4],
        /// Depth, height, width, batch.
        out_size: [u32; 4],
        /// Depth, height, width that the indices count in, 0.
        indexed: [u32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        out_stride: [u32; 4],
        in_batch: u32,
        out_batch: u32,
        /// Elements of the input.
        inputs: u32,
        /// Elements of the output.
        outputs: u32,
        /// 1: indices count through the whole tensor.
        whole: u32,
        /// 1: with the spatial part in column-major order.
        by_columns: u32,
        pad_0: u32,
        pad_1: u32,
    }
}
