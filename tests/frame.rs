//! Pictures to tensors and tensors to pictures: the GPU against the reference, and what is refused.

mod support;

use std::sync::mpsc::channel;

use support::{assert_noticed, engine, mutant};
use wgpool::frame::params::{FrameParams, ShowParams};
use wgpool::frame::{FrameKernel, FrameSource, Shown, reference};
use wgpool::kernel::KernelKey;
use wgpool::verify::random::Rng;
use wgpool::{
    Caps, Choice, ColorMap, Crop, DType, Data, Engine, Error, FrameChannels, FramePlan, FrameToTensor,
    Layout, OverlayPlan, Tensor, TensorDesc, TensorToFrame,
};
use wgpu::{BufferUsages, TextureFormat, TextureUsages};

/// What outputs hold before a run: NaN as f32 and as f16.
const POISON: [u8; 4] = [0x5a, 0x7e, 0xda, 0x7f];

fn texture(engine: &Engine, width: usize, height: usize, format: TextureFormat) -> wgpu::Texture {
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

fn view(texture: &wgpu::Texture) -> wgpu::TextureView {
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

fn fill(engine: &Engine, texture: &wgpu::Texture, pixels: &[u8]) {
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(4 * texture.width()),
        rows_per_image: None,
    };
    engine.queue().write_texture(texture.as_image_copy(), pixels, layout, texture.size());
}

/// A buffer of `lead` bytes and then `contents`, filled up with poison.
fn buffer_with(engine: &Engine, lead: usize, contents: &[u8]) -> wgpu::Buffer {
    let size = (lead + contents.len()).next_multiple_of(4) + 16;
    let mut bytes: Vec<u8> = POISON.iter().copied().cycle().take(size).collect();
    bytes[lead..lead + contents.len()].copy_from_slice(contents);
    let buffer = engine.storage("test", size as u64).unwrap();
    engine.queue().write_buffer(&buffer, 0, &bytes);
    buffer
}

/// Submits what `record` records and reads a buffer.
fn run_and_read(
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

fn encode(binding: &wgpool::Binding, encoder: &mut wgpu::CommandEncoder) {
    binding.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
}

/// Runs a plan on the GPU between poison, and says what is wrong with what it writes.
fn check_frame(engine: &Engine, plan: &FramePlan, pixels: &[u8]) -> Result<(), String> {
    let prepared = engine.prepare_frame(plan).unwrap();
    let lead = engine.device().limits().min_storage_buffer_offset_alignment as usize;
    let output = plan.output();
    let poison: Vec<u8> = POISON.iter().copied().cycle().take(output.buffer_size() as usize).collect();
    let buffer = buffer_with(engine, lead, &poison);
    let slice = buffer.slice(lead as u64..);
    let binding = match plan.spec().source {
        FrameSource::Texture { width, height } => {
            let texture = texture(engine, width, height, TextureFormat::Rgba8Unorm);
            fill(engine, &texture, pixels);
            prepared.bind_texture(&view(&texture), slice).unwrap()
        }
        FrameSource::Buffer { .. } => {
            let frame = buffer_with(engine, lead, pixels);
            prepared.bind_buffer(frame.slice(lead as u64..), slice).unwrap()
        }
        other => panic!("{other:?} has no row in this test"),
    };
    let mut bytes = run_and_read(engine, &buffer, |encoder| encode(&binding, encoder));
    let expected = reference::frame_to_tensor(plan, pixels).unwrap();
    let size = expected.desc.bytes();
    let start = lead + plan.spec().slot * size;
    let got = Data::from_bytes(output.dtype, &bytes[start..start + size]);
    let got = Tensor::new(&expected.desc.shape, got).unwrap();
    // The element after an odd number of f16 may share the last word, and nothing else may change.
    for (i, byte) in POISON.iter().cycle().take(bytes.len()).enumerate() {
        if (start..start + size).contains(&i) {
            bytes[i] = *byte;
        }
        if bytes[i] != *byte {
            return Err(format!("byte {i} outside the image at {start}..{} was written", start + size));
        }
    }
    match wgpool::reference::compare(&expected, &got).unwrap() {
        None => Ok(()),
        Some(mismatch) => Err(mismatch.to_string()),
    }
}

fn bytes(rng: &mut Rng, count: usize) -> Vec<u8> {
    (0..count).map(|_| rng.next_u64() as u8).collect()
}

fn dtype(rng: &mut Rng, f16: bool) -> DType {
    if f16 && rng.one_in(3) { DType::F16 } else { DType::F32 }
}

fn layout(rng: &mut Rng) -> Layout {
    if rng.one_in(2) { Layout::Nhwc } else { Layout::Nchw }
}

fn random_frame(rng: &mut Rng, f16: bool) -> (FrameToTensor, Vec<u8>) {
    let [width, height] = [0, 0].map(|_| rng.between(1, 37));
    let spec = match rng.one_in(2) {
        true => FrameToTensor::from_texture(width, height),
        false => FrameToTensor::from_buffer(width, height, rng.between(1, 4)),
    };
    let (x, y) = (rng.between(0, width - 1), rng.between(0, height - 1));
    let crop = Crop { x, y, width: rng.between(1, width - x), height: rng.between(1, height - y) };
    let channels = match rng.between(0, 3) {
        0 => FrameChannels::Luminance,
        1 => FrameChannels::Only(rng.between(0, spec.source.channels() - 1)),
        2 => FrameChannels::Rgb,
        _ => FrameChannels::Rgba,
    };
    let numbers = |rng: &mut Rng, most: f64| -> Vec<f32> {
        let count = if rng.one_in(3) { 1 } else { channels.count() };
        (0..count).map(|_| ((rng.unit() - 0.5) * most) as f32).collect()
    };
    let batch = rng.between(1, 3);
    let spec = spec
        .crop(crop)
        .size(rng.between(1, 40), rng.between(1, 40))
        .channels(channels)
        .mean(numbers(rng, 2.0))
        .scale(numbers(rng, 500.0))
        .layout(layout(rng))
        .dtype(dtype(rng, f16))
        .slot(rng.between(0, batch - 1), batch);
    let pixels = bytes(rng, width * height * spec.source.channels());
    (spec, pixels)
}

#[test]
fn random_frames_are_what_the_reference_reads() {
    let engine = engine();
    let mut rng = Rng::new(3);
    for _ in 0..250 {
        let (spec, pixels) = random_frame(&mut rng, engine.caps().f16);
        let plan = FramePlan::new(&spec, engine.caps()).unwrap();
        check_frame(engine, &plan, &pixels).unwrap_or_else(|e| panic!("{spec:?}: {e}"));
    }
}

#[test]
fn a_whole_frame_in_its_own_size_is_exact_to_a_rounding() {
    // Wide enough for many workgroups, and no row begins at a whole word.
    let (engine, mut rng) = (engine(), Rng::new(5));
    let spec = FrameToTensor::from_buffer(641, 359, 3).layout(Layout::Nhwc);
    let pixels = bytes(&mut rng, 641 * 359 * 3);
    let plan = match FramePlan::new(&spec, engine.caps()) {
        // A frame is one image, which cannot be divided: a device of small bindings refuses it, and only that one.
        Err(wgpool::Error::Limit { needed, allowed, .. }) => {
            assert_eq!((needed, allowed), (641 * 359 * 3 * 4, engine.caps().max_binding));
            return;
        }
        plan => plan.unwrap(),
    };
    check_frame(engine, &plan, &pixels).unwrap();
    let exact = reference::frame_to_tensor(&plan, &pixels).unwrap();
    assert!(exact.values.iter().zip(&pixels).all(|(v, p)| *v == f64::from(*p) / 255.0));
}

#[test]
fn pixels_lie_where_pytorch_has_them() {
    // torch.nn.functional.interpolate(x, size=n, mode="bilinear", align_corners=False) of three pixels.
    let cases: [(usize, &[f64]); 4] = [
        (5, &[10.0, 14.0, 20.0, 26.0, 30.0]),
        (2, &[12.5, 27.5]),
        (1, &[20.0]),
        (6, &[10.0, 12.5, 17.5, 22.5, 27.5, 30.0]),
    ];
    for (width, expected) in cases {
        let spec = FrameToTensor::from_buffer(3, 1, 1).size(width, 1).scale([255.0]);
        let plan = FramePlan::new(&spec.channels(FrameChannels::Luminance), &Caps::default()).unwrap();
        let got = reference::frame_to_tensor(&plan, &[10, 20, 30]).unwrap().values;
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{got:?} {expected:?}");
        check_frame(engine(), &plan, &[10, 20, 30]).unwrap();
    }
}

#[test]
fn a_view_of_an_srgb_format_is_decoded() {
    let engine = engine();
    let texture = texture(engine, 2, 1, TextureFormat::Rgba8UnormSrgb);
    fill(engine, &texture, &[188, 0, 255, 128, 10, 20, 30, 40]);
    let spec = FrameToTensor::from_texture(2, 1).channels(FrameChannels::Rgba).layout(Layout::Nhwc);
    let prepared = engine.prepare_frame(&FramePlan::new(&spec, engine.caps()).unwrap()).unwrap();
    let output = engine.storage("test", 32).unwrap();
    let binding = prepared.bind_texture(&view(&texture), output.slice(..)).unwrap();
    let bytes = run_and_read(engine, &output, |encoder| encode(&binding, encoder));
    let got: &[f32] = bytemuck::cast_slice(&bytes);
    let linear = |byte: f64| {
        let x = byte / 255.0;
        if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
    };
    // Alpha is linear already. Texture units may decode with an error of half a byte.
    for (got, (byte, alpha)) in got.iter().zip(
        [188., 0., 255., 128., 10., 20., 30., 40.]
            .into_iter()
            .zip([false, false, false, true, false, false, false, true]),
    ) {
        let [low, expected, high] = [byte - 0.5, byte, byte + 0.5].map(|b: f64| match alpha {
            true => b / 255.0,
            false => linear(b),
        });
        assert!((low..=high).contains(&f64::from(*got)), "{byte}: {got}, expected {expected}");
    }
}

#[test]
fn folded_grids_reach_every_pixel() {
    let engine = engine();
    let mut caps = *engine.caps();
    caps.max_workgroups = 4;
    let mut rng = Rng::new(8);
    for _ in 0..20 {
        let (spec, pixels) = random_frame(&mut rng, false);
        let plan = FramePlan::new(&spec, &caps).unwrap();
        check_frame(engine, &plan, &pixels).unwrap_or_else(|e| panic!("{spec:?}: {e}"));
        let (spec, tensor) = random_overlay(&mut rng, false);
        let plan = OverlayPlan::new(&spec, &caps).unwrap();
        check_overlay(engine, &plan, &tensor).unwrap_or_else(|e| panic!("{spec:?}: {e}"));
    }
    caps.max_workgroups = 1;
    let error = FramePlan::new(&FrameToTensor::from_texture(9, 9), &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 2, .. }), "{error}");
}

/// Runs a plan on the GPU into a poisoned picture, and says what is wrong with what it writes.
fn check_overlay(engine: &Engine, plan: &OverlayPlan, tensor: &Tensor) -> Result<(), String> {
    let lead = engine.device().limits().min_storage_buffer_offset_alignment as usize;
    let buffer = buffer_with(engine, lead, tensor.data().as_bytes());
    let (width, height) = (plan.width(), plan.height());
    let texture = texture(engine, width, height, TextureFormat::Rgba8Unorm);
    fill(engine, &texture, &[1, 2, 3, 4].repeat(width * height));
    let prepared = engine.prepare_overlay(plan).unwrap();
    let binding = prepared.bind(buffer.slice(lead as u64..), &view(&texture)).unwrap();
    let row = (4 * width).next_multiple_of(256);
    let copy = engine.storage("test", (row * height) as u64).unwrap();
    let bytes = run_and_read(engine, &copy, |encoder| {
        encode(&binding, encoder);
        let layout =
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row as u32), rows_per_image: None };
        let to = wgpu::TexelCopyBufferInfo { buffer: &copy, layout };
        encoder.copy_texture_to_buffer(texture.as_image_copy(), to, texture.size());
    });
    let expected = reference::tensor_to_frame(plan, tensor).map_err(|e| e.to_string())?;
    for (i, allowed) in expected.iter().enumerate() {
        let at = i / width * row + i % width * 4;
        let got: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        if !allowed.contains(&got) {
            return Err(format!("pixel {}, {} is {got:?}, not {allowed:?}", i % width, i / width));
        }
    }
    Ok(())
}

/// Random values, some of them NaN, infinite or at the ends of a range.
fn value(rng: &mut Rng, (low, high): (f32, f32)) -> f32 {
    match rng.between(0, 20) {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => f32::NEG_INFINITY,
        3 => low,
        4 => high,
        5 => f32::MAX,
        // Integers are equal often enough for ties.
        6..=9 => rng.between(0, 3) as f32,
        _ => low + (high - low) * (rng.unit() * 1.2 - 0.1) as f32,
    }
}

fn random_overlay(rng: &mut Rng, f16: bool) -> (TensorToFrame, Tensor) {
    let [batch, channels, height, width] = [2, 5, 20, 20].map(|most| rng.between(1, most));
    let layout = layout(rng);
    let shape = match layout {
        Layout::Nchw => [batch, channels, height, width],
        Layout::Nhwc => [batch, height, width, channels],
    };
    let dtype = dtype(rng, f16);
    let low = (rng.unit() * 20.0 - 10.0) as f32;
    let range = (low, low + (rng.unit() * 5.0) as f32 + 1e-3);
    let values: Vec<f32> = (0..batch * channels * height * width).map(|_| value(rng, range)).collect();
    let data = match dtype {
        DType::F16 => Data::F16(values.into_iter().map(half::f16::from_f32).collect()),
        _ => Data::F32(values),
    };
    let tensor = Tensor::new(&shape, data).unwrap();
    let spec = match rng.one_in(2) {
        true => TensorToFrame::classes(tensor.desc()),
        false => TensorToFrame::channel(tensor.desc(), rng.between(0, channels - 1)).range(range.0, range.1),
    };
    let colors = match rng.between(0, 2) {
        0 => ColorMap::gray(),
        1 => ColorMap::viridis(),
        _ => ColorMap::new(std::array::from_fn(|_| (rng.next_u64() as u32).to_le_bytes())),
    };
    let nan = (rng.next_u64() as u32).to_le_bytes();
    let mut spec = spec.layout(layout).image(rng.between(0, batch - 1)).colors(colors).nan(nan);
    if !rng.one_in(4) {
        spec = spec.size(rng.between(1, 50), rng.between(1, 50));
    }
    (spec, tensor)
}

#[test]
fn random_tensors_are_shown_as_the_reference_shows_them() {
    let engine = engine();
    let mut rng = Rng::new(21);
    for _ in 0..250 {
        let (spec, tensor) = random_overlay(&mut rng, engine.caps().f16);
        let plan = OverlayPlan::new(&spec, engine.caps()).unwrap();
        check_overlay(engine, &plan, &tensor).unwrap_or_else(|e| panic!("{spec:?}: {e}"));
    }
}

#[test]
fn every_entry_of_a_colour_map_is_shown_exactly() {
    let engine = engine();
    let values: Vec<f32> = (0..256).map(|i| i as f32).collect();
    let tensor = Tensor::from_f32(&[1, 1, 16, 16], values).unwrap();
    for colors in [ColorMap::gray(), ColorMap::viridis()] {
        let spec = TensorToFrame::channel(tensor.desc(), 0).range(0.0, 255.0).colors(colors.clone());
        let plan = OverlayPlan::new(&spec, engine.caps()).unwrap();
        // In the middle of their entries values have one colour, and it is the map's.
        let expected = reference::tensor_to_frame(&plan, &tensor).unwrap();
        assert!(expected.iter().zip(colors.entries()).all(|(allowed, entry)| allowed == &[*entry; 2]));
        check_overlay(engine, &plan, &tensor).unwrap();
    }
}

#[test]
fn the_largest_finite_range_has_all_colours() {
    let engine = engine();
    let most = f32::MAX / 2.0;
    let values = vec![-f32::MAX, -most, -most / 2.0, 0.0, most / 2.0, most, f32::MAX, f32::INFINITY];
    let tensor = Tensor::from_f32(&[1, 1, 2, 4], values).unwrap();
    let spec = TensorToFrame::channel(tensor.desc(), 0).range(-most, most);
    let plan = OverlayPlan::new(&spec, engine.caps()).unwrap();
    let levels: Vec<u8> =
        reference::tensor_to_frame(&plan, &tensor).unwrap().iter().map(|allowed| allowed[1][0]).collect();
    assert_eq!(levels, [0, 0, 64, 128, 191, 255, 255, 255]);
    check_overlay(engine, &plan, &tensor).unwrap();
}

#[test]
fn viridis_is_viridis() {
    let map = ColorMap::viridis();
    // Of matplotlib's table.
    for (at, color) in [(0, [68, 1, 84]), (64, [59, 82, 139]), (128, [33, 145, 140]), (255, [253, 231, 37])] {
        let got = map.entries()[at];
        let far = color.iter().zip(got).map(|(a, b): (&i32, u8)| (a - i32::from(b)).abs()).max().unwrap();
        assert!(far <= 4, "{at}: {got:?}, not {color:?}");
    }
    let luma = |c: &[u8; 4]| 0.299 * f64::from(c[0]) + 0.587 * f64::from(c[1]) + 0.114 * f64::from(c[2]);
    let lumas: Vec<f64> = map.entries().iter().map(luma).collect();
    assert!(lumas.windows(8).all(|w| w[7] > w[0]), "not from dark to light");
}

/// The text of an error, which must hold `parts`.
fn says<T: std::fmt::Debug>(result: Result<T, Error>, parts: &[&str]) {
    let text = result.unwrap_err().to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} lacks some of {parts:?}");
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let caps = Caps::default();
    let plan = |spec: FrameToTensor| FramePlan::new(&spec, &caps);
    let base = || FrameToTensor::from_buffer(8, 6, 2);
    let crop = |x, y, width, height| base().crop(Crop { x, y, width, height });
    says(plan(FrameToTensor::from_texture(0, 6)), &["source width", "0"]);
    says(plan(base().size(3, 0)), &["output height", "0"]);
    says(plan(crop(0, 0, 0, 6)), &["crop width", "0"]);
    says(plan(crop(1, 0, 8, 6)), &["crop", "x: 1", "8 x 6"]);
    says(plan(crop(0, usize::MAX, 8, 6)), &["crop", "8 x 6"]);
    says(plan(FrameToTensor::from_buffer(8, 6, 5)), &["source channels", "5"]);
    says(plan(FrameToTensor::from_buffer(8, 6, 0)), &["source channels", "0"]);
    says(plan(base().channels(FrameChannels::Only(2))), &["channel is 2", "2 channels"]);
    says(plan(base().mean([0.0, 1.0])), &["mean", "3 channels"]);
    says(plan(base().scale([])), &["scale", "[]"]);
    says(plan(base().scale([f32::INFINITY])), &["scale", "finite"]);
    says(plan(base().dtype(DType::U8)), &["u8", "f32 or f16"]);
    says(plan(base().dtype(DType::F16)), &["SHADER_F16"]);
    says(plan(base().slot(3, 3)), &["slot is 3", "3 images"]);
    says(plan(base().slot(0, 0)), &["slot is 0", "0 images"]);
    says(plan(base().size(1 << 30, 1)), &["1073741824", "32 bits"]);
    says(plan(base().size(1 << 20, 1 << 20)), &["max_storage_buffer_binding_size"]);
    says(plan(base().slot(0, usize::MAX)), &["too large"]);
    says(plan(FrameToTensor::from_texture(usize::MAX, 9).size(1, 1)), &["32 bits"]);
    let huge = FrameToTensor::from_buffer(1 << 15, 1 << 15, 4).crop(Crop { x: 0, y: 0, width: 1, height: 1 });
    says(plan(huge.size(1, 1)), &["max_storage_buffer_binding_size", "4294967296"]);

    let tensor = || TensorDesc::f32([2, 3, 4, 5]);
    let plan = |spec: TensorToFrame| OverlayPlan::new(&spec, &caps);
    says(plan(TensorToFrame::channel(TensorDesc::f32([3, 4, 5]), 0)), &["rank 3"]);
    says(plan(TensorToFrame::channel(TensorDesc::f32([1, 0, 4, 5]), 0)), &["[1, 0, 4, 5]"]);
    says(plan(TensorToFrame::channel(tensor(), 3)), &["channel is 3", "3 channels"]);
    says(plan(TensorToFrame::classes(tensor()).image(2)), &["image is 2", "2 images"]);
    says(plan(TensorToFrame::classes(tensor()).size(0, 2)), &["picture width"]);
    says(plan(TensorToFrame::classes(tensor()).size(1 << 31, 2)), &["32 bits"]);
    says(plan(TensorToFrame::channel(tensor(), 0).range(1.0, 1.0)), &["range", "(1.0, 1.0)"]);
    says(plan(TensorToFrame::channel(tensor(), 0).range(1.0, f32::NAN)), &["range"]);
    says(plan(TensorToFrame::channel(tensor(), 0).range(-f32::MAX, f32::MAX)), &["range"]);
    let of = |dtype| TensorToFrame::classes(TensorDesc { shape: vec![1, 1, 2, 2], dtype });
    says(plan(of(DType::I32)), &["i32"]);
    says(plan(of(DType::F16)), &["SHADER_F16"]);
}

#[test]
fn textures_and_buffers_that_break_a_rule_are_refused() {
    let engine = engine();
    let [from_texture, from_buffer] =
        [FrameToTensor::from_texture(8, 6), FrameToTensor::from_buffer(7, 3, 3)]
            .map(|spec| engine.prepare_frame(&FramePlan::new(&spec, engine.caps()).unwrap()).unwrap());
    let output = engine.storage("test", 8 * 6 * 3 * 4).unwrap();
    let out = output.slice(..);
    let rgba8 = |width, height| view(&texture(engine, width, height, TextureFormat::Rgba8Unorm));
    from_texture.bind_texture(&rgba8(8, 6), out).unwrap();
    says(from_texture.bind_texture(&rgba8(8, 5), out), &["texture size", "[8, 5]", "8 x 6"]);
    says(from_texture.bind_texture(&rgba8(8, 6), output.slice(..572)), &["too small", "572"]);
    let integers = view(&texture(engine, 8, 6, TextureFormat::Rgba8Uint));
    says(from_texture.bind_texture(&integers, out), &["Rgba8Uint"]);
    says(from_texture.bind_buffer(out, out), &["a buffer was bound"]);
    says(from_buffer.bind_texture(&rgba8(7, 3), out), &["a texture was bound"]);

    // 63 bytes in 16 words.
    let frame = engine.storage("test", 64).unwrap();
    from_buffer.bind_buffer(frame.slice(..), out).unwrap();
    says(from_buffer.bind_buffer(frame.slice(..60), out), &["the frame", "too small", "60", "64"]);
    says(from_buffer.bind_buffer(out, out), &["no other"]);
    let unaligned = engine.storage("test", 512).unwrap();
    says(from_buffer.bind_buffer(unaligned.slice(4..), out), &["alignment"]);

    let spec = TensorToFrame::classes(TensorDesc::f32([1, 3, 4, 5]));
    let overlay = engine.prepare_overlay(&OverlayPlan::new(&spec, engine.caps()).unwrap()).unwrap();
    overlay.bind(out, &rgba8(5, 4)).unwrap();
    says(overlay.bind(out, &rgba8(4, 5)), &["texture size", "5 x 4"]);
    says(overlay.bind(frame.slice(..), &rgba8(5, 4)), &["the tensor", "too small"]);
    let srgb = view(&texture(engine, 5, 4, TextureFormat::Rgba8UnormSrgb));
    says(overlay.bind(out, &srgb), &["texture usage", "STORAGE_BINDING"]);
}

#[test]
fn a_destroyed_device_is_an_error() {
    let (device, queue) = pollster::block_on(wgpool::engine::open_device(&Choice::Gpu))
        .or_else(|_| pollster::block_on(wgpool::engine::open_device(&Choice::Software)))
        .unwrap();
    let engine = Engine::from_device(&device, &queue);
    let plan = FramePlan::new(&FrameToTensor::from_texture(4, 4), engine.caps()).unwrap();
    let prepared = engine.prepare_frame(&plan).unwrap();
    let source = view(&texture(&engine, 4, 4, TextureFormat::Rgba8Unorm));
    let output = engine.storage("test", plan.output().buffer_size()).unwrap();
    device.destroy();
    let error = prepared.bind_texture(&source, output.slice(..)).unwrap_err();
    assert!(matches!(error, Error::DeviceLost { .. }), "{error:?}");
}

#[test]
fn pipelines_are_the_engines_own() {
    let engine = engine().with_edited_shaders(|_, source| source);
    for (width, count) in [(4, 1), (9, 1)] {
        let plan = FramePlan::new(&FrameToTensor::from_texture(width, 4), engine.caps()).unwrap();
        engine.prepare_frame(&plan).unwrap();
        assert_eq!(engine.pipeline_count(), count);
    }
}

type Mutant = support::Mutant<()>;

const FRAME_MUTANTS: &[Mutant] = &[
    mutant!("(2u * at + 1u) * length", "(2u * at) * length"),
    mutant!("select(ahead - outputs, 0u, ahead < outputs)", "ahead"),
    mutant!("min(low + 1u, length - 1u)", "low + 1u"),
    mutant!("params.crop.x + h.low", "h.low"),
    mutant!("params.crop.y + v.high", "params.crop.y + v.low"),
    mutant!("v.weight * below", "h.weight * below"),
    mutant!("- params.mean[channel]", ""),
    mutant!("params.scale[channel]", "params.scale.x"),
    mutant!("params.out_stride.x + column", "column"),
    mutant!("channel < params.out_size.z", "channel < 1u"),
    mutant!("8u * (at % 4u)", "24u - 8u * (at % 4u)"),
    mutant!("y * params.source.x + x", "y * params.crop.z + x"),
    mutant!("vec4<f32>(first, first, first, second)", "vec4<f32>(first, second, first, 1.0)"),
    mutant!("number >= params.out_size.w", "number + 1u >= params.out_size.w"),
];

const OVERLAY_MUTANTS: &[Mutant] = &[
    mutant!("is_nan(value) || value > best", "is_nan(value) || value >= best"),
    mutant!("is_nan(value) || value > best", "value > best"),
    mutant!("return params.nan;", "return params.colors[0][0];"),
    mutant!("* params.entries + 0.5", "* params.entries"),
    mutant!("(2u * at + 1u)", "(2u * at)"),
    mutant!("params.in_stride.x + nearest.x", "nearest.x"),
    mutant!("nearest.y * params.in_stride.z", "nearest.x * params.in_stride.z"),
    mutant!("0.5), 255u)", "0.5), 254u)"),
    mutant!("(inside - params.low)", "inside"),
    mutant!("number >= params.out_size.z", "number + 1u >= params.out_size.z"),
];

#[test]
fn wrong_kernels_are_noticed() {
    let f16 = engine().caps().f16;
    assert_noticed(engine(), FRAME_MUTANTS, |mutant, _| {
        let mut rng = Rng::new(3);
        (0..100).any(|_| {
            let (spec, pixels) = random_frame(&mut rng, f16);
            let plan = FramePlan::new(&spec, mutant.caps()).unwrap();
            check_frame(mutant, &plan, &pixels).is_err()
        })
    });
    assert_noticed(engine(), OVERLAY_MUTANTS, |mutant, _| {
        let mut rng = Rng::new(21);
        (0..100).any(|_| {
            let (spec, tensor) = random_overlay(&mut rng, f16);
            let plan = OverlayPlan::new(&spec, mutant.caps()).unwrap();
            check_overlay(mutant, &plan, &tensor).is_err()
        })
    });
}

#[test]
fn parameters_and_bindings_are_those_of_the_shaders() {
    for kernel in FrameKernel::ALL {
        let key = KernelKey::Frame(kernel);
        let source = key.source();
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string(&source)));
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string(&source)));
        let declared: Vec<&str> = module.overrides.iter().filter_map(|(_, o)| o.name.as_deref()).collect();
        let set: Vec<&str> = key.overrides().iter().map(|(name, _)| *name).collect();
        assert_eq!(declared, set, "{key}");

        let (name, host, size) = match kernel {
            FrameKernel::Read { .. } => ("FrameParams", FrameParams::FIELDS, size_of::<FrameParams>()),
            _ => ("ShowParams", ShowParams::FIELDS, size_of::<ShowParams>()),
        };
        let (_, ty) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name)).unwrap();
        let naga::TypeInner::Struct { members, span } = &ty.inner else { panic!("{name} is no structure") };
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shader: Vec<_> = (members.iter())
            .map(|m| (m.name.as_deref().unwrap(), m.offset as usize, layouter[m.ty].size as usize))
            .collect();
        assert_eq!((shader.as_slice(), *span as usize), (host, size), "{key}");

        let storage = (module.global_variables.iter())
            .filter(|(_, v)| matches!(v.space, naga::AddressSpace::Storage { .. }))
            .count();
        assert_eq!(storage as u32, key.bindings().reads + key.bindings().writes, "{key}");
    }
}

#[test]
fn what_is_shown_of_classes() {
    let tensor = Tensor::from_f32(&[1, 3, 1, 2], vec![1.0, 5.0, 7.0, 5.0, 7.0, f32::NAN]).unwrap();
    let spec = TensorToFrame::classes(tensor.desc()).range(0.0, 255.0).colors(ColorMap::gray());
    assert_eq!(spec.shown, Shown::Classes);
    let plan = OverlayPlan::new(&spec, &Caps::default()).unwrap();
    // The first of equal ones; NaN has its colour.
    let shown = reference::tensor_to_frame(&plan, &tensor).unwrap();
    assert_eq!(shown, [[[1, 1, 1, 255]; 2], [[255, 0, 255, 255]; 2]]);
    check_overlay(engine(), &plan, &tensor).unwrap();
}
