// NaN and infinity are told by their bits: comparisons and max() lose NaN on some backends. The bits are compared in
// order: compilers know a test for an exponent of ones, and where they may assume that there is neither, it is never true.
fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_special(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u;
}

fn is_zero(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) == 0u;
}

// Order of numbers that are not NaN, by their bits: some devices take subnormal numbers for zero when they compare.
// -0 and +0 are equal.
fn order(x: f32) -> i32 {
    let bits = bitcast<i32>(x);
    return select(bits, -2147483647 - 1 - bits, bits < 0);
}

fn exceeds(a: f32, b: f32) -> bool {
    return order(a) > order(b);
}

// The larger of two, the first of equal ones, NaN if one is.
fn larger(a: f32, b: f32) -> f32 {
    return select(a, b, is_nan(b) | (!is_nan(a) & exceeds(b, a)));
}

// Terms of a sum that are added one after another before they go into the next level; see sum.wgsl.
const PART: u32 = 32u;
