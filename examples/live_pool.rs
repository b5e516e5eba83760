//! An animation of 120 frames, drawn, pooled and coloured on the GPU: every frame is one submission, and after the
//! first nothing is allocated.
//!
//! `cargo run --release --example live_pool [strip.png]` writes some of the frames: above as drawn, below as pooled.

use std::path::PathBuf;
use std::time::Instant;

use wgpool::frame::{ColorMap, FrameChannels, FramePlan, FrameToTensor, OverlayPlan, TensorToFrame};
use wgpool::{Binding, Engine, Plan, Pool};
use wgpu::util::DeviceExt;

const FRAMES: usize = 120;
/// Side of the drawn frame and of the overlay; their rows are whole multiples of 256 bytes, as copies want them.
const SIDE: u32 = 192;
/// Every frame whose number is a multiple of this goes into the strip.
const SHOWN: usize = 15;
/// Bytes between the parameters of two frames: no device asks for more.
const STEP: usize = 256;

/// Draws glowing balls that circle at different speeds.
const DRAW: &str = r#"
@group(0) @binding(0) var<uniform> turn: vec4<f32>;
@group(0) @binding(1) var picture: texture_storage_2d<rgba8unorm, write>;

@compute @workgroup_size(8, 8)
fn draw(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = textureDimensions(picture);
    if (any(id.xy >= size)) {
        return;
    }
    let at = (vec2<f32>(id.xy) + 0.5) / vec2<f32>(size) - 0.5;
    var light = vec3<f32>();
    for (var i = 0; i < 5; i++) {
        let speed = f32(i % 3 + 1);
        let angle = turn.x * speed + f32(i) * 1.3;
        let ball = vec2<f32>(cos(angle), sin(angle * 2.0 + f32(i))) * (0.12 + 0.06 * f32(i));
        let distance = at - ball;
        let glow = 0.004 / (dot(distance, distance) + 0.004);
        light += glow * (0.6 + 0.4 * cos(vec3<f32>(0.0, 2.1, 4.2) + f32(i) * 1.7));
    }
    textureStore(picture, id.xy, vec4<f32>(min(light, vec3<f32>(1.0)), 1.0));
}
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => std::env::temp_dir().join("live_pool.png"),
    };
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter =
        adapters.into_iter().next().ok_or("no adapter; on Debian: apt-get install mesa-vulkan-drivers")?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let engine = Engine::from_device(&device, &queue);

    let drawn = texture(&device, "drawn", wgpu::TextureUsages::TEXTURE_BINDING);
    let shown = texture(&device, "shown", wgpu::TextureUsages::empty());
    let draw = Draw::new(&device, &drawn);
    let pooling = pooling(&engine, &drawn, &shown)?;
    let strip = Strip::new(&device);

    let mut milliseconds = Vec::with_capacity(FRAMES);
    let mut after_first = None;
    for frame in 0..FRAMES {
        let start = Instant::now();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        draw.encode(&mut pass, frame);
        for binding in &pooling {
            binding.encode(&mut pass);
        }
        drop(pass);
        strip.copy(&mut encoder, frame, &drawn, &shown);
        queue.submit([encoder.finish()]);
        device.poll(wgpu::PollType::wait_indefinitely())?;
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        let now = allocated(&instance, &device).ok_or("wgpu tells nothing about what is allocated")?;
        let first = after_first.get_or_insert(now);
        if *first != now {
            return Err(
                format!("there were {first:?} after the first frame, {now:?} after frame {frame}").into()
            );
        }
    }
    milliseconds.sort_by(f64::total_cmp);
    let median = milliseconds.get(FRAMES / 2).ok_or("no frames")?;
    println!("{FRAMES} frames of {SIDE}x{SIDE} on {}", engine.adapter_name());
    println!("{median:.2} ms per frame (median, each waited for)");
    let counts = after_first.ok_or("no frames")?.map(|(name, count)| format!("{count} {name}"));
    println!("after the first frame as after every other: {}", counts.join(", "));
    strip.write(&device, &path)?;
    println!("{}", path.display());
    Ok(())
}

/// What there is on the GPU: the objects that somebody holds, and the memory of all where wgpu divides it up itself.
fn allocated(instance: &wgpu::Instance, device: &wgpu::Device) -> Option<[(&'static str, u64); 7]> {
    let hub = instance.generate_report()?.hub;
    let memory = device.generate_allocator_report().map_or(0, |report| report.total_allocated_bytes);
    Some([
        ("buffers", hub.buffers.num_allocated as u64),
        ("textures", hub.textures.num_allocated as u64),
        ("texture views", hub.texture_views.num_allocated as u64),
        ("bind groups", hub.bind_groups.num_allocated as u64),
        ("pipelines", hub.compute_pipelines.num_allocated as u64),
        ("shader modules", hub.shader_modules.num_allocated as u64),
        ("bytes of memory", memory),
    ])
}

fn texture(device: &wgpu::Device, label: &str, usage: wgpu::TextureUsages) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width: SIDE, height: SIDE, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_SRC | usage,
        view_formats: &[],
    })
}

fn view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// The drawn texture's luminance, pooled 2x2 four times, shown as large as it was drawn.
fn pooling(engine: &Engine, drawn: &wgpu::Texture, shown: &wgpu::Texture) -> wgpool::Result<Vec<Binding>> {
    let side = SIDE as usize;
    let spec = FrameToTensor::from_texture(side, side).channels(FrameChannels::Luminance);
    let plan = FramePlan::new(&spec, engine.caps())?;
    let mut tensor = plan.output().clone();
    let mut from = engine.tensor_buffer("live pool", tensor.buffer_size())?;
    let mut bindings = vec![engine.prepare_frame(&plan)?.bind_texture(&view(drawn), from.slice(..))?];
    for _ in 0..4 {
        let plan = Plan::new(&Pool::max([2, 2]).into(), &[tensor], engine.caps())?;
        tensor = plan.problem.outputs[0].clone();
        let to = engine.tensor_buffer("live pool", tensor.buffer_size())?;
        bindings.push(engine.prepare(&plan)?.bind(&[from.slice(..)], &[to.slice(..)])?);
        from = to;
    }
    let overlay = TensorToFrame::channel(tensor, 0).colors(ColorMap::viridis()).size(side, side);
    let overlay = engine.prepare_overlay(&OverlayPlan::new(&overlay, engine.caps())?)?;
    bindings.push(overlay.bind(from.slice(..), &view(shown))?);
    Ok(bindings)
}

/// The example's own shader, which draws the animation.
struct Draw {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
}

impl Draw {
    fn new(device: &wgpu::Device, picture: &wgpu::Texture) -> Draw {
        // The turn of every frame, written once: a frame is chosen by an offset.
        let mut turns = vec![0u8; FRAMES * STEP];
        for (frame, bytes) in turns.chunks_mut(STEP).enumerate() {
            let turn = frame as f32 / FRAMES as f32 * std::f32::consts::TAU;
            bytes[..4].copy_from_slice(&turn.to_ne_bytes());
        }
        let turns = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("turns"),
            contents: &turns,
            usage: wgpu::BufferUsages::UNIFORM,
        });
        let size = wgpu::BufferSize::new(16);
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty,
            count: None,
        };
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: true,
            min_binding_size: size,
        };
        let storage = wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::WriteOnly,
            format: wgpu::TextureFormat::Rgba8Unorm,
            view_dimension: wgpu::TextureViewDimension::D2,
        };
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("draw"),
            entries: &[entry(0, uniform), entry(1, storage)],
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("draw"),
            source: wgpu::ShaderSource::Wgsl(DRAW.into()),
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("draw"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("draw"),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("draw"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let turn = wgpu::BufferBinding { buffer: &turns, offset: 0, size };
        let picture = view(picture);
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("draw"),
            layout: &layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(turn) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&picture) },
            ],
        });
        Draw { pipeline, group }
    }

    fn encode(&self, pass: &mut wgpu::ComputePass<'_>, frame: usize) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[(frame * STEP) as u32]);
        pass.dispatch_workgroups(SIDE.div_ceil(8), SIDE.div_ceil(8), 1);
    }
}

/// Some frames side by side in one buffer, drawn above pooled.
struct Strip {
    pixels: wgpu::Buffer,
}

impl Strip {
    const COLUMNS: usize = FRAMES.div_ceil(SHOWN);
    const WIDTH: u32 = SIDE * Self::COLUMNS as u32;

    fn new(device: &wgpu::Device) -> Strip {
        let pixels = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("strip"),
            size: u64::from(Self::WIDTH * 2 * SIDE * 4),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        Strip { pixels }
    }

    /// Records the copies of a frame that the strip shows.
    fn copy(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        frame: usize,
        drawn: &wgpu::Texture,
        shown: &wgpu::Texture,
    ) {
        if !frame.is_multiple_of(SHOWN) {
            return;
        }
        for (row, texture) in [drawn, shown].into_iter().enumerate() {
            let column = 4 * SIDE as usize * (frame / SHOWN);
            let above = row * (4 * Self::WIDTH * SIDE) as usize;
            let layout = wgpu::TexelCopyBufferLayout {
                offset: (above + column) as u64,
                bytes_per_row: Some(4 * Self::WIDTH),
                rows_per_image: None,
            };
            let to = wgpu::TexelCopyBufferInfo { buffer: &self.pixels, layout };
            encoder.copy_texture_to_buffer(texture.as_image_copy(), to, texture.size());
        }
    }

    fn write(&self, device: &wgpu::Device, path: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
        self.pixels.slice(..).map_async(wgpu::MapMode::Read, |_| {});
        device.poll(wgpu::PollType::wait_indefinitely())?;
        let pixels = self.pixels.slice(..).get_mapped_range()?;
        let format = image::ExtendedColorType::Rgba8;
        image::save_buffer_with_format(
            path,
            &pixels,
            Self::WIDTH,
            2 * SIDE,
            format,
            image::ImageFormat::Png,
        )?;
        Ok(())
    }
}
