enable f16;
alias Word = f16;
const LANES: u32 = 1u;

fn unpack(word: Word, lane: u32) -> f32 {
    return f32(word);
}

fn pack(values: vec4<f32>) -> Word {
    return f16(values.x);
}
