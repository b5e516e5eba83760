alias Word = f32;
const LANES: u32 = 1u;

fn unpack(word: Word, lane: u32) -> f32 {
    return word;
}

fn pack(values: vec4<f32>) -> Word {
    return values.x;
}
