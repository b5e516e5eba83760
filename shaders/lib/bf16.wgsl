// 16-bit floats that are the upper half of a 32-bit one, two to a word.

fn widened(word: u32, lane: u32) -> f32 {
    return bitcast<f32>((word >> (16u * lane)) << 16u);
}

// To the nearest, of two the even one; a carry goes on into the exponent. NaN, whose lower half may be all that tells it from
// infinity, stays NaN.
fn narrowed(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    let nearest = (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
    return select(nearest, (bits >> 16u) | 0x40u, (bits & 0x7fffffffu) > 0x7f800000u);
}
