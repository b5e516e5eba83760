//! `pack/integer.wgsl`: weights of integer convolutions.

use crate::kernel::common::*;

/// The kernel of an integer convolution, less its zero points, as [`ConvInteger`](super::super::ConvInteger) reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackInteger {
    /// Type of the kernel.
    pub dtype: DType,
}

impl Kernel for PackInteger {
    fn row(&self) -> Row {
        by_words(PackIntegerParams::BLOCK, self.dtype, &[EACH, shader!("pack/integer.wgsl")], (2, 1))
    }

    fn every() -> Vec<PackInteger> {
        BYTES.map(|dtype| PackInteger { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `pack/integer.wgsl`.
    PackIntegerParams {
        /// Depth, height, width, input channels of a group.
        window: [u32; 4],
        /// Depth, height, width, input channel.
        tap_stride: [u32; 4],
        tap_out: u32,
        group_out: u32,
        /// Blocks of four output channels in a group.
        blocks: u32,
        /// 1: every output channel has a zero point of its own.
        zero_each: u32,
        /// Vectors.
        total: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}
