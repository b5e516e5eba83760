//! The uniform blocks that kernels read. The structures that the shaders have of them are written from these.

use super::block::{Block, Member};

macro_rules! uniform {
    ($(#[$doc:meta])* $name:ident { $($(#[$member:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        #[allow(missing_docs)] // many members say by their names what they are
        pub struct $name {
            $($(#[$member])* pub $field: $type,)*
        }

        impl $name {
            /// Its name and members, and the structure in WGSL.
            pub const BLOCK: Block = Block {
                name: stringify!($name),
                fields: &[$((
                    stringify!($field),
                    std::mem::offset_of!($name, $field),
                    size_of::<$type>(),
                ),)*],
                size: size_of::<$name>(),
                members: || [$(<$type as Member>::declare(stringify!($field)),)*].concat(),
            };
        }

        /// A block in a block stands for its members.
        impl Member for $name {
            fn declare(_: &str) -> String {
                ($name::BLOCK.members)()
            }
        }
    };
}

pub(crate) use uniform;

uniform! {
    /// Parameters of `pool/sliding.wgsl`.
    PoolParams {
        /// Depth, height, width, channels.
        in_size: [u32; 4],
        /// Depth, height, width, batch.
        out_size: [u32; 4],
        /// Depth, height, width, 0.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// Input length + padding after it.
        padded_end: [i32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        /// What one step in depth, height, width, plane adds to an index.
        index_step: [u32; 4],
        /// Elements of an image.
        in_batch: u32,
        /// Output elements.
        total: u32,
        /// 0: count the taps.
        divisor: u32,
        /// Maximum of no element.
        identity: f32,
        p: f32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        /// 1 / p.
        root: f32,
        pad_0: u32,
    }
}

uniform! {
    /// Parameters of `pool/uniform.wgsl` and `depthwise/uniform.wgsl`.
    PagesParams {
        chunks: [[u32; 8]; 8],
        /// Row, middle, last, 0.
        in_size: [i32; 4],
        /// Row, middle, last, elements of a position.
        out_size: [i32; 4],
        /// For quotients by out_size.
        out_factor: [u32; 4],
        out_shift: [u32; 4],
        /// Row, middle, last, 0.
        window: [i32; 4],
        stride: [i32; 4],
        dilation: [i32; 4],
        dilation_factor: [u32; 4],
        dilation_shift: [u32; 4],
        pad_before: [i32; 4],
        /// Input length + padding after it.
        padded_end: [i32; 4],
        /// Row, middle, last, plane.
        in_stride: [i32; 4],
        /// What the next tap adds to a place in memory: row, middle, last, 0.
        tap_step: [i32; 4],
        /// Kernel of a convolution: what the next tap adds to a place; the fourth the next channel.
        weight_step: [i32; 4],
        channels: i32,
        channels_factor: u32,
        channels_shift: u32,
        has_bias: u32,
        alpha_beta: [f32; 2],
        /// 0: count the taps.
        divisor: u32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
    }
}

uniform! {
    /// Parameters of `pool/plane.wgsl`.
    PlaneParams {
        /// Elements of a plane.
        length: u32,
        /// Distance between them.
        step: u32,
        channels: u32,
        /// Distance between channels.
        channel: u32,
        /// Elements of an image.
        in_batch: u32,
        /// Planes.
        total: u32,
        divisor: u32,
        identity: f32,
        p: f32,
        nan: u32,
        /// 1 / p.
        root: f32,
        pad_0: u32,
    }
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
        // Blocks that hold this one have a `pad_0` of their own.
        convolution_pad_0: u32,
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

uniform! {
    /// Parameters of `conv/register_tile.wgsl`.
    TiledParams {
        /// Of the convolution: depth, height, width; output channels of all blocks.
        out_size: [u32; 4],
        /// Depth, height, width; taps in all.
        window: [u32; 4],
        /// Words of a page from tap to tap along depth, height and width; from channel to channel.
        tap_step: [u32; 4],
        /// Words of a page from tile to tile along width, height and depth; from image to image.
        tile_step: [u32; 4],
        /// Of the region along width, height and depth; in all images.
        tiles: [u32; 4],
        /// Of the region: the first position along width, height and depth; its first image.
        first: [u32; 4],
        /// Depth, height, width, channel.
        out_stride: [u32; 4],
        /// Invocations of a block, blocks; from block to block: fours of a page of weights, elements of the output.
        blocks: [u32; 4],
        /// Of each page.
        steps: [u32; 4],
        /// Of each page.
        channels: [u32; 4],
        /// Words of a page from position to position, and from row to row.
        steps_along: [u32; 2],
        /// Width and height of the output.
        bounds: [u32; 2],
        /// Height of pooling windows; where positions end that count in a mean: height, width; what to divide by
        /// instead, or 0.
        pool: [u32; 4],
        /// The first block's first channel.
        out_first: u32,
        /// Elements of an output image.
        out_batch: u32,
        /// Steps whose products are added one after another.
        chain: u32,
        /// Of the output in a tile, which loops that are not unrolled go through.
        positions: u32,
        /// Where a block's biases are behind its first weights, in fours.
        bias_at: u32,
        nan: u32,
        alpha_beta: [f32; 2],
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

uniform! {
    /// Parameters of `pool/fractional.wgsl`.
    FractionalParams {
        /// Depth, height, width, channels.
        in_size: [u32; 4],
        /// Depth, height, width, batch.
        out_size: [u32; 4],
        /// Depth, height, width, samples of a plane.
        window: [u32; 4],
        /// Which sample is that of depth, height, width; 0.
        sample: [u32; 4],
        /// Mean distance between windows.
        alpha: [f32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        /// What one step in depth, height, width, plane adds to an index.
        index_step: [u32; 4],
        in_batch: u32,
        total: u32,
        identity: f32,
        pad_0: u32,
    }
}

uniform! {
    /// Parameters of `pool/roi_align.wgsl` and `pool/roi_max.wgsl`.
    RoiParams {
        height: u32,
        width: u32,
        bins_h: u32,
        bins_w: u32,
        channels: u32,
        /// Output elements.
        total: u32,
        in_batch: u32,
        /// Strides of the images.
        in_channel: u32,
        in_row: u32,
        in_column: u32,
        channels_last: u32,
        /// 0: as many as the region needs.
        sampling_ratio: u32,
        scale: f32,
        half_pixel: u32,
        take_max: u32,
        images: u32,
        /// Of an invocation's loops.
        most_turns: u32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        pad_0: u32,
        pad_1: u32,
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

uniform! {
    /// Parameters of `conv/requantize.wgsl`.
    RequantizeParams {
        /// Elements.
        total: u32,
        channels: u32,
        /// Elements of a channel that lie one after another.
        inner: u32,
        /// 1: every channel has a scale of its own.
        scale_each: u32,
        has_bias: u32,
        zero: f32,
        /// The range of the output's type, less the zero point.
        least: f32,
        most: f32,
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

uniform! {
    /// Parameters of `other/col2im.wgsl`.
    Col2ImParams {
        /// Depth, height, width, 0.
        image: [u32; 4],
        /// Along depth, height, width, 0.
        windows: [u32; 4],
        /// Taps along depth, height, width, 0.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// As lib/reached.wgsl has them: the common divisor of stride and dilation,.
        gcd: [u32; 4],
        /// The stride divided by it,.
        tap_step: [u32; 4],
        /// And what the dilation divided by it is to be multiplied with to be 1 modulo that.
        inverse: [u32; 4],
        /// Elements of the images.
        total: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}

uniform! {
    /// Parameters of `conv/causal_sequence.wgsl`.
    CausalParams {
        /// Elements of a state.
        kept: u32,
        /// Elements of an input.
        length: u32,
        /// 0: the state is zeros.
        has_state: u32,
        /// Elements of all sequences.
        total: u32,
    }
}

uniform! {
    /// Parameters of `conv/dense.wgsl`.
    DenseParams {
        rows: u32,
        features: u32,
        outputs: u32,
        /// Kernel: distance between inputs.
        tap_in: u32,
        /// Kernel: distance between outputs.
        tap_out: u32,
        has_bias: u32,
        alpha_beta: [f32; 2],
    }
}

uniform! {
    /// Parameters of `other/softmax.wgsl`.
    SoftmaxParams {
        rows: u32,
        /// Elements of a row.
        length: u32,
        /// Distance between them.
        inner: u32,
        /// Minus infinity.
        lowest: f32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}

uniform! {
    /// Parameters of `other/activation.wgsl`.
    ActivationParams {
        total: u32,
        pad_0: u32,
        alpha_beta: [f32; 2],
    }
}
