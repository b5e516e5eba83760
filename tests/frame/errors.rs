//! What is refused.

use wgpool::{
    Caps, Choice, Crop, DType, Engine, Error, FrameChannels, FramePlan, FrameToTensor, OverlayPlan,
    TensorDesc, TensorToFrame,
};
use wgpu::TextureFormat;

use crate::gpu::{texture, view};
use wgpool_testing::support::engine;

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
    says(plan(crop(1, 0, 8, 6)), &["crop", "at (1, 0)", "8 x 6"]);
    says(plan(crop(0, usize::MAX, 8, 6)), &["crop", "8 x 6"]);
    says(plan(FrameToTensor::from_buffer(8, 6, 5)), &["source channels", "5"]);
    says(plan(FrameToTensor::from_buffer(8, 6, 0)), &["source channels", "0"]);
    says(plan(base().channels(FrameChannels::Only(2))), &["channel is 2", "2 channels"]);
    says(plan(base().mean([0.0, 1.0])), &["mean", "3 channels"]);
    says(plan(base().scale([])), &["scale", "[]"]);
    says(plan(base().scale([f32::INFINITY])), &["scale", "finite"]);
    says(plan(base().dtype(DType::U8)), &["u8", "f32, f16 or bf16"]);
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
    let (device, queue) = wgpool::engine::open_device(&Choice::Gpu)
        .or_else(|_| wgpool::engine::open_device(&Choice::Software))
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
