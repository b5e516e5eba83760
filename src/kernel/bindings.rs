//! What kernels bind.

use wgpu::{BindGroupLayoutEntry, BindingType, BufferBindingType};

/// Bytes of a page: a window of a tensor that is bound as uniform, of the largest size that WebGPU promises.
pub const PAGE: u64 = 65536;

/// Pages that a kernel binds at most, beside its parameters; WebGPU promises twelve uniform bindings in all.
pub const PAGES: usize = 8;

/// Buffers of a kernel: binding 0 is the uniform block, then come pages, then the storage buffers that it reads, then
/// those it writes, then PReLU's slope, and last the residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Bindings {
    /// Uniform bindings of tensors.
    pub pages: u32,
    /// Buffers it reads.
    pub reads: u32,
    /// Buffers it writes.
    pub writes: u32,
    /// PReLU's slope, which it reads too: 1 or 0.
    pub slopes: u32,
    /// What it adds to sums, which it reads too: 1 or 0.
    pub residuals: u32,
}

impl Bindings {
    /// The storage buffers.
    pub fn buffers(&self) -> u32 {
        self.reads + self.writes + self.slopes + self.residuals
    }

    /// The layout of the bind group, with a texture that is bound too.
    pub(crate) fn layout(&self, texture: Option<(usize, BindingType)>) -> Vec<BindGroupLayoutEntry> {
        let buffer = |ty| BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
        let uniforms = (0..=self.pages).map(|_| buffer(BufferBindingType::Uniform));
        let writes = self.reads..self.reads + self.writes;
        let storage = |i| buffer(BufferBindingType::Storage { read_only: !writes.contains(&i) });
        let mut types: Vec<_> = uniforms.chain((0..self.buffers()).map(storage)).collect();
        if let Some((at, texture)) = texture {
            types.insert(at, texture);
        }
        let visibility = wgpu::ShaderStages::COMPUTE;
        let entry = |(binding, ty)| BindGroupLayoutEntry { binding, visibility, ty, count: None };
        (0..).zip(types).map(entry).collect()
    }
}
