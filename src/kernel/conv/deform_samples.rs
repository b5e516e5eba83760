//! `conv/deform_samples.wgsl`: what a deformable convolution convolves.

use crate::kernel::common::*;

/// The samples of a deformable convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeformSamples;

impl Kernel for DeformSamples {
    fn row(&self) -> Row {
        plain(DeformParams::BLOCK, &[EACH, shader!("conv/deform_samples.wgsl")], (3, 1))
    }

    fn every() -> Vec<DeformSamples> {
        vec![DeformSamples]
    }
}

uniform! {
    /// Parameters of `conv/deform_samples.wgsl`.
    DeformParams {
        /// Depth, height, width, channels.
        in_size: [u32; 4],
        /// Depth, height, width, 0.
        out_size: [u32; 4],
        /// Depth, height, width, spatial axes that there are.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        offset_groups: u32,
        /// Channels with the same offsets.
        group_channels: u32,
        has_mask: u32,
        /// Samples.
        total: u32,
    }
}
