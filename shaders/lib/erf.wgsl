// Error function: by its series near 0, where a difference from 1 has no digits.
fn error_function(x: f32) -> f32 {
    let s = x * x;
    let near = x * (1.1283792 + s * (-0.37612639 + s * (0.11283792 + s * (-0.02686617 + s * (0.0052239776
        + s * (-0.0008548327 + s * 0.00012055333))))));
    let far = sign(x) * (1.0 - erfc(abs(x)));
    return select(select(far, near, abs(x) < 0.5), x, is_nan(x));
}
