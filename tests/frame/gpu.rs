//! Textures and buffers, and what is in them after a run.

use std::sync::mpsc::channel;

use wgpool::{DType, Engine, Layout};
use wgpool_testing::verify::random::Rng;
use wgpu::{BufferUsages, TextureFormat, TextureUsages};

/// What outputs hold before a run: NaN as f32 and as f16.
pub const POISON: [u8; 4] = [0x5a, 0x7e, 0xda, 0x7f];

pub fn texture(engine: &Engine, width: usize, height: usize, format: TextureFormat) -> wgpu::Texture {
    let storage = match format {
        TextureFormat::Rgba8Unorm => TextureUsages::STORAGE_BINDING,
        _ => TextureUsages::empty(),
    };
    engine.device().create_texture(&wgpu::TextureDescriptor {
        label: None,
        size: wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: TextureUsages::TEXTURE_BINDING | TextureUsages::COPY_DST | TextureUsages::COPY_SRC | storage,
        view_formats: &[],
    })
}

pub fn view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

pub fn fill(engine: &Engine, texture: &wgpu::Texture, pixels: &[u8]) {
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(4 * texture.width()),
        rows_per_image: None,
    };
    engine.queue().write_texture(texture.as_image_copy(), pixels, layout, texture.size());
}

/// A buffer of `lead` bytes and then `contents`, filled up with poison.
pub fn buffer_with(engine: &Engine, lead: usize, contents: &[u8]) -> wgpu::Buffer {
    let size = (lead + contents.len()).next_multiple_of(4) + 16;
    let mut bytes: Vec<u8> = POISON.iter().copied().cycle().take(size).collect();
    bytes[lead..lead + contents.len()].copy_from_slice(contents);
    let buffer = engine.storage("test", size as u64).unwrap();
    engine.queue().write_buffer(&buffer, 0, &bytes);
    buffer
}

/// Submits what `record` records and reads a buffer.
pub fn run_and_read(
    engine: &Engine,
    buffer: &wgpu::Buffer,
    record: impl FnOnce(&mut wgpu::CommandEncoder),
) -> Vec<u8> {
    let staging = engine.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: buffer.size(),
        usage: BufferUsages::MAP_READ | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = engine.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    record(&mut encoder);
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
    engine.queue().submit([encoder.finish()]);
    let (sender, receiver) = channel();
    staging.slice(..).map_async(wgpu::MapMode::Read, move |answer| sender.send(answer).unwrap());
    engine.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    receiver.recv().unwrap().unwrap();
    staging.slice(..).get_mapped_range().unwrap().to_vec()
}

pub fn encode(binding: &wgpool::Binding, encoder: &mut wgpu::CommandEncoder) {
    binding.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
}

pub fn bytes(rng: &mut Rng, count: usize) -> Vec<u8> {
    (0..count).map(|_| rng.next_u64() as u8).collect()
}

pub fn dtype(rng: &mut Rng, f16: bool) -> DType {
    match rng.between(0, 2) {
        0 if f16 => DType::F16,
        1 => DType::BF16,
        _ => DType::F32,
    }
}

pub fn layout(rng: &mut Rng) -> Layout {
    if rng.one_in(2) { Layout::Nhwc } else { Layout::Nchw }
}
