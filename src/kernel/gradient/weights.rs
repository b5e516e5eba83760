//! `gradient/weights.wgsl`: the gradient of a kernel.

use crate::kernel::common::*;

/// Parts of the sums of a kernel's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightsGradient {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for WeightsGradient {
    fn row(&self) -> Row {
        let own = [INSIDE, EACH, shader!("gradient/weights.wgsl")];
        typed(WeightsParams::BLOCK, self.dtype, &own, (2, 1))
    }

    fn every() -> Vec<WeightsGradient> {
        FLOATS.map(|dtype| WeightsGradient { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `gradient/weights.wgsl`.
    WeightsParams {
        /// Depth, height, width, input channels of a group.
        in_size: [u32; 4],
        /// Windows along depth, height, width; output channels of a group.
        out_size: [u32; 4],
        /// Taps along depth, height, width, 0.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        out_stride: [u32; 4],
        /// Kernel: depth, height, width, input channel.
        tap_stride: [u32; 4],
        /// Kernel: output channel.
        tap_out: u32,
        in_batch: u32,
        out_batch: u32,
        /// Blocks of four output channels in a group.
        blocks: u32,
        groups: u32,
        /// Rows of windows of all images.
        rows: u32,
        /// Those of a part of a sum.
        part_rows: u32,
        /// Of the kernel.
        elements: u32,
        /// Invocations that have work.
        total: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}
