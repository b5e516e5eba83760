//! What kernels of convolution share.

use crate::kernel::common::*;

/// A kernel on top of `lib/convolve.wgsl`.
pub(super) fn convolution(
    dtype: DType,
    activation: ActivationKind,
    channels_last: bool,
    own: &[&'static str],
) -> Row {
    let shared = [ELEMENT, TAPS, PLACE, activation.wgsl(), shader!("lib/convolve.wgsl")];
    let row = typed(ConvParams::BLOCK, dtype, &[&shared, own].concat(), (3, 1));
    row.with("CHANNELS_LAST", channels_last)
}

uniform! {
    /// What the blocks of `conv/direct.wgsl` and of `conv/gemm.wgsl` begin with: the convolution.
    ConvGeometry {
        /// Depth, height, width, input channels of a group.
        in_size: [u32; 4],
        /// Depth, height, width, output channels of a group.
        out_size: [u32; 4],
        /// Depth, height, width, input channels of a group.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        out_stride: [u32; 4],
        /// Elements of an input image.
        in_batch: u32,
        /// Elements of an output image.
        out_batch: u32,
        /// The parameters of the activation.
        alpha_beta: [f32; 2],
        has_bias: u32,
        /// Elements from a group's input to the next one's.
        in_group: u32,
        // Blocks that hold this one have a `pad_0` of their own.
        convolution_pad_1: u32,
        convolution_pad_2: u32,
    }
}

uniform! {
    /// What they go on with: pooling behind the convolution, or zeros.
    PoolGeometry {
        /// Depth, height, width of the pooled tensor, divisor or 0. The strides of the output are the pooled tensor's.
        pooled: [u32; 4],
        pool_window: [u32; 4],
        pool_stride: [u32; 4],
        pool_dilation: [u32; 4],
        pool_before: [i32; 4],
        /// Length + padding after it.
        pool_end: [i32; 4],
    }
}

uniform! {
    /// Parameters of `conv/direct.wgsl`, `conv/pooled.wgsl`, `conv/transpose.wgsl` and `conv/integer.wgsl`.
    ConvParams {
        convolution: ConvGeometry,
        pooling: PoolGeometry,
        /// Kernel: depth, height, width, input channel.
        tap_stride: [u32; 4],
        /// Where windows lie on one position, as lib/reached.wgsl has it: the common divisor of stride and
        /// dilation, the stride divided by it, and what the dilation divided by it is to be multiplied with to be 1
        /// modulo that.
        gcd: [u32; 4],
        tap_step: [u32; 4],
        inverse: [u32; 4],
        /// Kernel: output channel.
        tap_out: u32,
        /// Blocks of four output channels in a group.
        blocks: u32,
        groups: u32,
        /// Invocations that have work.
        total: u32,
        identity: f32,
        nan: u32,
        /// Input channels of a group that are summed up; the output holds the sum of those before.
        from_channel: u32,
        to_channel: u32,
    }
}
