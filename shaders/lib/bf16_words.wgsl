alias Word = u32;
const LANES: u32 = 2u;

fn unpack(word: Word, lane: u32) -> f32 {
    return widened(word, lane);
}

fn pack(values: vec4<f32>) -> Word {
    return narrowed(values.x) | (narrowed(values.y) << 16u);
}
