alias Word = u32;
const LANES: u32 = 4u;

fn unpack(word: Word, lane: u32) -> f32 {
    return f32(bitcast<i32>(word << (24u - 8u * lane)) >> 24u);
}

fn pack(values: vec4<f32>) -> Word {
    let v = bitcast<vec4<u32>>(vec4<i32>(values)) & vec4<u32>(0xffu);
    return v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u);
}
