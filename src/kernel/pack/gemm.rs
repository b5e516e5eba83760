//! `pack/gemm.wgsl`: weights of products of matrices.

use crate::kernel::common::*;

/// Weights in the order in which [`ConvGemm`](super::super::ConvGemm) and
/// [`ConvPatch`](super::super::ConvPatch) read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackGemm {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for PackGemm {
    fn row(&self) -> Row {
        let text = vec![self.dtype.row().elements, INDEX, EACH, shader!("pack/gemm.wgsl")];
        row(PackGemmParams::BLOCK, self.dtype, text, (1, 1))
    }

    fn every() -> Vec<PackGemm> {
        FLOATS.map(|dtype| PackGemm { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `pack/gemm.wgsl`.
    PackGemmParams {
        /// Of what a row's number counts, from the fastest on.
        length: [u32; 4],
        /// Of these in the kernel.
        stride: [u32; 4],
        /// Kernel: output channel.
        tap_out: u32,
        rows: u32,
        /// Channels of a tile.
        tile: u32,
        /// Tiles of a group.
        tiles: u32,
        /// Output channels of a group.
        group_out: u32,
        /// Invocations that have work.
        total: u32,
        pad_0: u32,
        pad_1: u32,
    }
}
