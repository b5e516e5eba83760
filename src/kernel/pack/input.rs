//! `pack/input.wgsl`: the input of tiled convolutions.

use crate::kernel::common::*;

/// The input of a tiled convolution, padded, in regions that pages hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackInput;

impl Kernel for PackInput {
    fn row(&self) -> Row {
        plain(PackInputParams::BLOCK, &[shader!("pack/input.wgsl")], (1, 1))
    }

    fn every() -> Vec<PackInput> {
        vec![PackInput]
    }
}

uniform! {
    /// Parameters of `pack/input.wgsl`.
    PackInputParams {
        /// Of a region: depth, height, width in fours; channels of a chunk.
        size: [u32; 4],
        /// Regions along the batch, depth, height and width.
        counts: [u32; 4],
        /// Positions of the input from region to region along depth, height, width; images.
        start_step: [i32; 4],
        pad_before: [i32; 4],
        /// Depth, height, width; images.
        in_size: [u32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        /// Elements of an input image.
        in_batch: u32,
        groups: u32,
        /// Input channels of a group.
        group_in: u32,
        chunks: u32,
        /// Of a region.
        images: u32,
        /// Fours from page to page.
        page: u32,
        /// The first region.
        first: u32,
        /// Of all pages.
        rows: u32,
    }
}
