//! Tensors to pictures.

use wgpool::frame::{Shown, reference};
use wgpool::{Caps, ColorMap, Data, Engine, Layout, OverlayPlan, Tensor, TensorToFrame};
use wgpool_testing::verify::random::Rng;
use wgpu::TextureFormat;

use crate::gpu::{buffer_with, dtype, encode, fill, layout, run_and_read, texture, view};
use wgpool_testing::support::engine;

/// Runs a plan on the GPU into a poisoned picture, and says what is wrong with what it writes.
pub fn check_overlay(engine: &Engine, plan: &OverlayPlan, tensor: &Tensor) -> Result<(), String> {
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

pub fn random_overlay(rng: &mut Rng, f16: bool) -> (TensorToFrame, Tensor) {
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
    let data = Data::nearest(dtype, values.into_iter().map(f64::from)).unwrap();
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

#[test]
fn subnormal_numbers_are_classes_too() {
    let tensor = Tensor::from_f32(&[1, 4, 1, 1], vec![-1e-40, 1e-41, 3e-40, 2e-40]).unwrap();
    let spec = TensorToFrame::classes(tensor.desc()).range(0.0, 255.0).colors(ColorMap::gray());
    let plan = OverlayPlan::new(&spec, engine().caps()).unwrap();
    assert_eq!(reference::tensor_to_frame(&plan, &tensor).unwrap(), [[[2, 2, 2, 255]; 2]]);
    check_overlay(engine(), &plan, &tensor).unwrap();
    // On devices that take them for zero where they compare.
    let flushed = engine().with_edited_shaders(|_, source| {
        let flush =
            "fn flush(x: f32) -> f32 { return select(x, 0.0, (bitcast<u32>(x) & 0x7f800000u) == 0u); }";
        let compared = source.replace("exceeds(value, best)", "flush(value) > flush(best)");
        if compared == source { source } else { compared + flush }
    });
    assert!(check_overlay(&flushed, &plan, &tensor).is_err());
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
