// Pixels of a texture; the view decodes sRGB by itself.
@group(0) @binding(1) var frame: texture_2d<f32>;

fn pixel_at(x: u32, y: u32) -> vec4<f32> {
    return textureLoad(frame, vec2<u32>(x, y), 0);
}
