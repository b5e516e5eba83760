//! `frame/read.wgsl`: a picture to a tensor.

use crate::kernel::common::*;

/// A picture to a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRead {
    /// Whether the picture is a texture; if not, a buffer of packed bytes.
    pub texture: bool,
    /// Type of the tensor's elements.
    pub dtype: DType,
}

impl Kernel for FrameRead {
    fn row(&self) -> Row {
        let source = match self.texture {
            true => shader!("frame/texture.wgsl"),
            false => shader!("frame/packed.wgsl"),
        };
        let text = vec![self.dtype.row().elements, INDEX, source, shader!("frame/read.wgsl")];
        let row = row(FrameParams::BLOCK, self.dtype, text, (u32::from(!self.texture), 1));
        // Read pixel by pixel, so that no format needs to be filterable.
        let texture = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        Row { texture: self.texture.then_some((1, texture)), ..row }
    }

    fn every() -> Vec<FrameRead> {
        pairs([false, true], FLOATS).map(|(texture, dtype)| FrameRead { texture, dtype }).collect()
    }
}

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
