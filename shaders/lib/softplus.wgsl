// log(1 + e) for 0 <= e <= 1: 2 atanh(e / (2 + e)), whose series in the square of a third ends soon. The built-in log is
// precise to 2^-21 alone.
fn log_plus_1(e: f32) -> f32 {
    // Not the half of it, which devices may take for zero where the whole is not.
    let twice = e / (1.0 + 0.5 * e);
    let s = 0.25 * twice * twice;
    return twice * (1.0 + s * (0.33333333 + s * (0.2 + s * (0.14285714 + s * (0.11111111
        + s * (0.090909091 + s * 0.076923077))))));
}
