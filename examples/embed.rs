//! An app that owns its device records two operations into its own compute pass and submits itself.
//!
//! `cargo run --release --example embed`

use wgpool::{Conv, Engine, Padding, Plan, Pool, TensorDesc};
use wgpu::util::DeviceExt;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The app's own device: here the first adapter there is.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter =
        adapters.into_iter().next().ok_or("no adapter; on Debian: apt-get install mesa-vulkan-drivers")?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;

    // Plans are pure: shapes are checked and kernels chosen before anything is allocated, for buffers like the app's.
    let engine = Engine::from_device(&device, &queue);
    let caps = engine.caps().for_buffers(wgpu::BufferUsages::STORAGE);
    let image = TensorDesc::f32([1, 1, 28, 28]);
    let kernel = TensorDesc::f32([8, 1, 3, 3]);
    let conv =
        Plan::new(&Conv::new().padding(Padding::SameUpper).into(), &[image.clone(), kernel.clone()], &caps)?;
    let features = conv.problem.outputs[0].clone();
    let pool = Plan::new(&Pool::max([2, 2]).into(), std::slice::from_ref(&features), &caps)?;
    let pooled = pool.problem.outputs[0].clone();

    // The app's own buffers.
    let filled = |desc: &TensorDesc, value: fn(usize) -> f32| {
        let values: Vec<f32> = (0..desc.elements()).map(value).collect();
        device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: bytemuck::cast_slice(&values),
            usage: wgpu::BufferUsages::STORAGE,
        })
    };
    let empty = |desc: &TensorDesc, usage| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: desc.buffer_size(),
            usage,
            mapped_at_creation: false,
        })
    };
    let image = filled(&image, |i| (i % 28) as f32);
    let kernel = filled(&kernel, |i| if i % 9 == 4 { (i / 9) as f32 } else { 0.0 });
    let between = empty(&features, wgpu::BufferUsages::STORAGE);
    let result = empty(&pooled, wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
    let readback = empty(&pooled, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);

    // Bound once, recorded as often as the app likes.
    let conv = engine.prepare(&conv)?.bind(&[image.slice(..), kernel.slice(..)], &[between.slice(..)])?;
    let pool = engine.prepare(&pool)?.bind(&[between.slice(..)], &[result.slice(..)])?;

    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    conv.encode(&mut pass);
    pool.encode(&mut pass);
    drop(pass);
    encoder.copy_buffer_to_buffer(&result, 0, &readback, 0, pooled.buffer_size());
    queue.submit([encoder.finish()]);

    readback.slice(..).map_async(wgpu::MapMode::Read, |_| {});
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let bytes = readback.slice(..).get_mapped_range()?;
    let values: &[f32] = bytemuck::cast_slice(&bytes);

    // Channel c is the image times c: its pooled rows are 1, 3, 5, ... times c.
    let expected: Vec<f32> =
        (0..values.len()).map(|i| (i / (14 * 14)) as f32 * (2 * (i % 14) + 1) as f32).collect();
    println!("convolution + max pooling -> {:?} on {}", pooled.shape, engine.adapter_name());
    println!("channel 3, first row: {:?}", &values[3 * 14 * 14..3 * 14 * 14 + 14]);
    if values != expected {
        return Err("the result is not the expected one".into());
    }
    Ok(())
}
