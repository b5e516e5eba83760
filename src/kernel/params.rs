//! The uniform blocks that kernels read. Their members have the names and offsets of the shaders' structures,
//! which a test compares: those of a block within a block are the shader's own.

/// Name, offset and size in bytes of a member.
pub type Field = (&'static str, usize, usize);

macro_rules! uniform {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        #[allow(missing_docs)] // the shader's structure says what each member is
        pub struct $name {
            $(pub $field: $type,)*
        }

        impl $name {
            /// The members, in order.
            pub const FIELDS: &'static [Field] = &[$((
                stringify!($field),
                std::mem::offset_of!($name, $field),
                size_of::<$type>(),
            ),)*];
        }
    };
}

pub(crate) use uniform;

uniform! {
    /// Parameters of `pool/sliding.wgsl`.
    PoolParams {
        in_size: [u32; 4],
        out_size: [u32; 4],
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        padded_end: [i32; 4],
        in_stride: [u32; 4],
        index_step: [u32; 4],
        in_batch: u32,
        total: u32,
        divisor: u32,
        identity: f32,
        p: f32,
        nan: u32,
        root: f32,
        pad_0: u32,
    }
}

uniform! {
    /// Parameters of `pool/uniform.wgsl` and `depthwise/uniform.wgsl`.
    PagesParams {
        chunks: [[u32; 8]; 8],
        in_size: [i32; 4],
        out_size: [i32; 4],
        out_factor: [u32; 4],
        out_shift: [u32; 4],
        window: [i32; 4],
        stride: [i32; 4],
        dilation: [i32; 4],
        dilation_factor: [u32; 4],
        dilation_shift: [u32; 4],
        pad_before: [i32; 4],
        padded_end: [i32; 4],
        in_stride: [i32; 4],
        tap_step: [i32; 4],
        weight_step: [i32; 4],
        channels: i32,
        channels_factor: u32,
        channels_shift: u32,
        has_bias: u32,
        alpha: f32,
        divisor: u32,
        nan: u32,
        pad_0: u32,
    }
}

uniform! {
    /// Parameters of `pool/plane.wgsl`.
    PlaneParams {
        length: u32,
        step: u32,
        channels: u32,
        channel: u32,
        in_batch: u32,
        total: u32,
        divisor: u32,
        identity: f32,
        p: f32,
        nan: u32,
        root: f32,
        pad_0: u32,
    }
}

uniform! {
    /// What the blocks of `conv/direct.wgsl` and of `conv/gemm.wgsl` begin with: the convolution.
    ConvGeometry {
        in_size: [u32; 4],
        out_size: [u32; 4],
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        in_stride: [u32; 4],
        out_stride: [u32; 4],
        in_batch: u32,
        out_batch: u32,
        has_bias: u32,
        alpha: f32,
    }
}

uniform! {
    /// What they go on with: pooling behind the convolution, or zeros.
    PoolGeometry {
        pooled: [u32; 4],
        pool_window: [u32; 4],
        pool_stride: [u32; 4],
        pool_dilation: [u32; 4],
        pool_before: [i32; 4],
        pool_end: [i32; 4],
    }
}

uniform! {
    /// Parameters of `conv/direct.wgsl`, `conv/pooled.wgsl`, `conv/transpose.wgsl` and `conv/integer.wgsl`.
    ConvParams {
        convolution: ConvGeometry,
        pooling: PoolGeometry,
        tap_stride: [u32; 4],
        gcd: [u32; 4],
        tap_step: [u32; 4],
        inverse: [u32; 4],
        tap_out: u32,
        blocks: u32,
        groups: u32,
        total: u32,
        identity: f32,
        nan: u32,
        from_channel: u32,
        to_channel: u32,
    }
}

uniform! {
    /// Parameters of `conv/register_tile.wgsl`.
    TiledParams {
        out_size: [u32; 4],
        window: [u32; 4],
        tap_step: [u32; 4],
        tile_step: [u32; 4],
        tiles: [u32; 4],
        first: [u32; 4],
        out_stride: [u32; 4],
        blocks: [u32; 4],
        steps: [u32; 4],
        channels: [u32; 4],
        steps_along: [u32; 2],
        bounds: [u32; 2],
        pool: [u32; 4],
        out_first: u32,
        out_batch: u32,
        chain: u32,
        positions: u32,
        bias_at: u32,
        alpha: f32,
        nan: u32,
        pad_0: u32,
    }
}

uniform! {
    /// Parameters of `pack/input.wgsl`.
    PackInputParams {
        size: [u32; 4],
        counts: [u32; 4],
        start_step: [i32; 4],
        pad_before: [i32; 4],
        in_size: [u32; 4],
        in_stride: [u32; 4],
        in_batch: u32,
        groups: u32,
        group_in: u32,
        chunks: u32,
        images: u32,
        page: u32,
        first: u32,
        rows: u32,
    }
}

uniform! {
    /// Parameters of `pack/weights.wgsl`.
    PackParams {
        window: [u32; 4],
        tap_stride: [u32; 4],
        tap_out: u32,
        group_in: u32,
        group_out: u32,
        lanes: u32,
        blocks: u32,
        chunk: u32,
        chunks: u32,
        stride: u32,
        total: u32,
        has_bias: u32,
        pad_0: u32,
        pad_1: u32,
    }
}

uniform! {
    /// Parameters of `pool/unpool.wgsl`.
    UnpoolParams {
        in_size: [u32; 4],
        out_size: [u32; 4],
        indexed: [u32; 4],
        in_stride: [u32; 4],
        out_stride: [u32; 4],
        in_batch: u32,
        out_batch: u32,
        inputs: u32,
        outputs: u32,
        whole: u32,
        by_columns: u32,
        pad_0: u32,
        pad_1: u32,
    }
}

uniform! {
    /// Parameters of `pool/fractional.wgsl`.
    FractionalParams {
        in_size: [u32; 4],
        out_size: [u32; 4],
        window: [u32; 4],
        sample: [u32; 4],
        alpha: [f32; 4],
        in_stride: [u32; 4],
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
        total: u32,
        in_batch: u32,
        in_channel: u32,
        in_row: u32,
        in_column: u32,
        channels_last: u32,
        sampling_ratio: u32,
        scale: f32,
        half_pixel: u32,
        take_max: u32,
        images: u32,
        most_turns: u32,
        nan: u32,
        pad_0: u32,
        pad_1: u32,
    }
}

uniform! {
    /// Parameters of `pack/integer.wgsl`.
    PackIntegerParams {
        window: [u32; 4],
        tap_stride: [u32; 4],
        tap_out: u32,
        group_out: u32,
        blocks: u32,
        zero_each: u32,
        total: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}

uniform! {
    /// Parameters of `conv/requantize.wgsl`.
    RequantizeParams {
        total: u32,
        channels: u32,
        inner: u32,
        scale_each: u32,
        has_bias: u32,
        zero: f32,
        least: f32,
        most: f32,
    }
}

uniform! {
    /// Parameters of `conv/deform_samples.wgsl`.
    DeformParams {
        in_size: [u32; 4],
        out_size: [u32; 4],
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        offset_groups: u32,
        group_channels: u32,
        has_mask: u32,
        total: u32,
    }
}

uniform! {
    /// Parameters of `other/col2im.wgsl`.
    Col2ImParams {
        image: [u32; 4],
        windows: [u32; 4],
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        gcd: [u32; 4],
        tap_step: [u32; 4],
        inverse: [u32; 4],
        total: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}

uniform! {
    /// Parameters of `conv/causal_sequence.wgsl`.
    CausalParams {
        kept: u32,
        length: u32,
        has_state: u32,
        total: u32,
    }
}

uniform! {
    /// Parameters of `conv/dense.wgsl`.
    DenseParams {
        rows: u32,
        features: u32,
        outputs: u32,
        tap_in: u32,
        tap_out: u32,
        has_bias: u32,
        alpha: f32,
        pad_0: u32,
    }
}

uniform! {
    /// Parameters of `other/softmax.wgsl`.
    SoftmaxParams {
        rows: u32,
        length: u32,
        inner: u32,
        lowest: f32,
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
        alpha: f32,
        pad_0: u32,
        pad_1: u32,
    }
}
