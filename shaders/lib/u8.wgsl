alias Word = u32;
const LANES: u32 = 4u;

fn unpack(word: Word, lane: u32) -> f32 {
    return f32((word >> (8u * lane)) & 0xffu);
}

fn pack(values: vec4<f32>) -> Word {
    let v = vec4<u32>(values);
    return v.x | (v.y << 8u) | (v.z << 16u) | (v.w << 24u);
}
