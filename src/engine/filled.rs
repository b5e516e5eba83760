//! Buffers made with their contents.

use super::scope::scoped;
use crate::error::{Error, Result};

/// A buffer holding `contents`, which must be whole words.
///
/// wgpu's own `create_buffer_init` panics where the device is lost or has no memory left.
pub async fn filled(
    device: &wgpu::Device,
    label: &str,
    contents: &[u8],
    usage: wgpu::BufferUsages,
    during: impl Fn() -> String,
) -> Result<wgpu::Buffer> {
    let (buffer, written) = scoped(device, &during, || {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: contents.len() as u64,
            usage,
            mapped_at_creation: true,
        });
        let written =
            buffer.slice(..).get_mapped_range_mut().map(|mut bytes| bytes.copy_from_slice(contents));
        buffer.unmap();
        (buffer, written)
    })
    .await?;
    written.map_err(|error| Error::Gpu { during: during(), reason: error.to_string() })?;
    Ok(buffer)
}
