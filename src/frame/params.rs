//! The uniform blocks of the kernels of frames. Their members have the names and offsets of the shaders' structures,
//! which a test compares.

use crate::kernel::params::{Field, uniform};

uniform! {
    /// Parameters of `frame/read.wgsl`.
    FrameParams {
        crop: [u32; 4],
        out_size: [u32; 4],
        out_stride: [u32; 4],
        source: [u32; 4],
        weights: [[f32; 4]; 4],
        mean: [f32; 4],
        scale: [f32; 4],
    }
}

uniform! {
    /// Parameters of `frame/show.wgsl`.
    ShowParams {
        out_size: [u32; 4],
        in_size: [u32; 4],
        in_stride: [u32; 4],
        low: f32,
        high: f32,
        entries: f32,
        nan: u32,
        colors: [[u32; 4]; 64],
    }
}
