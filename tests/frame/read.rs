//! Pictures to tensors.

use wgpool::frame::{FrameSource, reference};
use wgpool::{Caps, Crop, Data, Engine, FrameChannels, FramePlan, FrameToTensor, Layout, Tensor};
use wgpool_testing::verify::random::Rng;
use wgpu::TextureFormat;

use crate::gpu::{POISON, buffer_with, bytes, dtype, encode, fill, layout, run_and_read, texture, view};
use wgpool_testing::support::engine;

/// Runs a plan on the GPU between poison, and says what is wrong with what it writes.
pub fn check_frame(engine: &Engine, plan: &FramePlan, pixels: &[u8]) -> Result<(), String> {
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
    let got = Data::from_bytes(output.dtype, &bytes[start..start + size]).unwrap();
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

pub fn random_frame(rng: &mut Rng, f16: bool) -> (FrameToTensor, Vec<u8>) {
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
