// log(x) of m * 2^e with m from sqrt(1/2) to sqrt(2): log(m) is 2 atanh((m - 1) / (m + 1)), whose series ends soon. The
// built-in log is precise to 2^-21 alone near 1. Subnormal numbers are taken for zero.
fn natural_log(x: f32) -> f32 {
    let bits = bitcast<i32>(x);
    let shifted = bits - 0x3f3504f3;
    let exponent = f32(shifted >> 23u);
    let m = bitcast<f32>((shifted & 0x007fffff) + 0x3f3504f3);
    let t = (m - 1.0) / (m + 1.0);
    let s = t * t;
    let series = 1.0 + s * (0.33333333 + s * (0.2 + s * (0.14285714 + s * 0.11111111)));
    var value = exponent * 0.69314718 + 2.0 * t * series;
    value = select(value, params.lowest, (bits & 0x7fffffff) < 0x00800000);
    value = select(value, bitcast<f32>(params.nan), order(x) < 0);
    // Infinity, and NaN.
    return select(value, x, is_nan(x) || (is_special(x) && bits > 0));
}
