//! The kernels of frames: their text, constants and bindings.

use super::params::{FrameParams, ShowParams};
use crate::dtype::DType;
use crate::engine::pipelines::buffer_entry;
use crate::kernel::block::Block;
use crate::kernel::text::{INDEX, NUMBER, prelude, shader};

/// Which kernel of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameKernel {
    /// A picture to a tensor.
    Read {
        /// Whether the picture is a texture; if not, a buffer of packed bytes.
        texture: bool,
        /// Type of the tensor's elements.
        dtype: DType,
    },
    /// A tensor to a picture.
    Show {
        /// Whether the class is shown; if not, a channel's value.
        classes: bool,
        /// Type of the tensor's elements.
        dtype: DType,
    },
}

const READ: &str = shader!("frame/read.wgsl");

impl FrameKernel {
    /// Every kernel there is: what tests compile and compare.
    pub const ALL: [FrameKernel; 8] = [
        FrameKernel::Read { texture: true, dtype: DType::F32 },
        FrameKernel::Read { texture: true, dtype: DType::F16 },
        FrameKernel::Read { texture: false, dtype: DType::F32 },
        FrameKernel::Read { texture: false, dtype: DType::F16 },
        FrameKernel::Show { classes: true, dtype: DType::F32 },
        FrameKernel::Show { classes: true, dtype: DType::F16 },
        FrameKernel::Show { classes: false, dtype: DType::F32 },
        FrameKernel::Show { classes: false, dtype: DType::F16 },
    ];

    /// Type of the tensor's elements.
    pub fn dtype(&self) -> DType {
        match *self {
            FrameKernel::Read { dtype, .. } | FrameKernel::Show { dtype, .. } => dtype,
        }
    }

    /// The parameters that it reads.
    pub(crate) fn block(&self) -> Block {
        match self {
            FrameKernel::Read { .. } => FrameParams::BLOCK,
            FrameKernel::Show { .. } => ShowParams::BLOCK,
        }
    }

    pub(crate) fn text(&self) -> Vec<&'static str> {
        match *self {
            FrameKernel::Read { texture: true, dtype } => {
                vec![prelude(dtype), INDEX, shader!("frame/texture.wgsl"), READ]
            }
            FrameKernel::Read { texture: false, dtype } => {
                vec![prelude(dtype), INDEX, shader!("frame/packed.wgsl"), READ]
            }
            FrameKernel::Show { dtype, .. } => {
                vec![prelude(dtype), INDEX, NUMBER, shader!("frame/show.wgsl")]
            }
        }
    }

    pub(crate) fn overrides(&self) -> Option<(&'static str, f64)> {
        match *self {
            FrameKernel::Read { .. } => None,
            FrameKernel::Show { classes, .. } => Some(("CLASSES", f64::from(classes))),
        }
    }

    pub(crate) fn buffers(&self) -> (u32, u32) {
        match *self {
            FrameKernel::Read { texture, .. } => (u32::from(!texture), 1),
            FrameKernel::Show { .. } => (1, 0),
        }
    }

    /// The uniform block, what is read, and what is written.
    pub(crate) fn layout(&self) -> Vec<wgpu::BindGroupLayoutEntry> {
        let uniform = buffer_entry(0, wgpu::BufferBindingType::Uniform);
        let storage =
            |binding, read_only| buffer_entry(binding, wgpu::BufferBindingType::Storage { read_only });
        let texture = |binding, ty| wgpu::BindGroupLayoutEntry { ty, ..storage(binding, true) };
        match *self {
            FrameKernel::Read { texture: true, .. } => {
                // Read pixel by pixel, so that no format needs to be filterable.
                let frame = wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Float { filterable: false },
                    view_dimension: wgpu::TextureViewDimension::D2,
                    multisampled: false,
                };
                vec![uniform, texture(1, frame), storage(2, false)]
            }
            FrameKernel::Read { texture: false, .. } => vec![uniform, storage(1, true), storage(2, false)],
            FrameKernel::Show { .. } => {
                let picture = wgpu::BindingType::StorageTexture {
                    access: wgpu::StorageTextureAccess::WriteOnly,
                    format: wgpu::TextureFormat::Rgba8Unorm,
                    view_dimension: wgpu::TextureViewDimension::D2,
                };
                vec![uniform, storage(1, true), texture(2, picture)]
            }
        }
    }
}
