// Pixels of a buffer of bytes, rows and pixels packed without gaps, so that a pixel may lie across two words.
@group(0) @binding(1) var<storage, read> frame: array<u32>;

fn byte_at(at: u32) -> f32 {
    return f32((frame[at / 4u] >> (8u * (at % 4u))) & 0xffu) / 255.0;
}

fn pixel_at(x: u32, y: u32) -> vec4<f32> {
    let channels = params.source.y;
    let at = (y * params.source.x + x) * channels;
    let first = byte_at(at);
    if (channels == 1u) {
        return vec4<f32>(first, first, first, 1.0);
    }
    let second = byte_at(at + 1u);
    if (channels == 2u) {
        return vec4<f32>(first, first, first, second);
    }
    let third = byte_at(at + 2u);
    if (channels == 3u) {
        return vec4<f32>(first, second, third, 1.0);
    }
    return vec4<f32>(first, second, third, byte_at(at + 3u));
}
