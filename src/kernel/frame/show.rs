//! `frame/show.wgsl`: a tensor to a picture.

use crate::kernel::common::*;

/// A tensor to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameShow {
    /// Whether the class is shown; if not, a channel's value.
    pub classes: bool,
    /// Type of the tensor's elements.
    pub dtype: DType,
}

impl Kernel for FrameShow {
    fn row(&self) -> Row {
        let picture = wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::WriteOnly,
            format: wgpu::TextureFormat::Rgba8Unorm,
            view_dimension: wgpu::TextureViewDimension::D2,
        };
        let row = typed(ShowParams::BLOCK, self.dtype, &[shader!("frame/show.wgsl")], (1, 0));
        Row { texture: Some((2, picture)), ..row }.with("CLASSES", self.classes)
    }

    fn every() -> Vec<FrameShow> {
        pairs([false, true], FLOATS).map(|(classes, dtype)| FrameShow { classes, dtype }).collect()
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
