//! The uniform blocks of the kernels of frames.

use crate::kernel::block::{Block, Member};
use crate::kernel::params::uniform;

uniform! {
    /// Parameters of `frame/read.wgsl`.
    FrameParams {
        /// Left, top, width, height.
        crop: [u32; 4],
        /// Width, height, channels, pixels.
        out_size: [u32; 4],
        /// The image's first element, then the distance of columns, rows and channels.
        out_stride: [u32; 4],
        /// Pixels of a row, bytes of a pixel.
        source: [u32; 4],
        /// What each output channel takes of red, green, blue and alpha.
        weights: [[f32; 4]; 4],
        mean: [f32; 4],
        scale: [f32; 4],
    }
}

uniform! {
    /// Parameters of `frame/show.wgsl`.
    ShowParams {
        /// Width, height, pixels.
        out_size: [u32; 4],
        /// Width, height, channels.
        in_size: [u32; 4],
        /// The first element, then the distance of columns, rows and channels.
        in_stride: [u32; 4],
        low: f32,
        high: f32,
        /// Of the colour map for each unit of value.
        entries: f32,
        /// The colour of NaN.
        nan: u32,
        /// 256 words of four bytes, red lowest.
        colors: [[u32; 4]; 64],
    }
}
