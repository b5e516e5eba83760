// NaN and infinity are told by their bits: comparisons and max() lose NaN on some backends.
fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_special(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
}

// Terms of a sum that are added one after another before they go into the next level; see sum.wgsl.
const PART: u32 = 32u;
