// What averages and Lp norms are made of.

// A window without taps averages to NaN; the division of 0 by 0 is not sure to be NaN on every backend.
fn average_of(sum: f32, count: u32) -> f32 {
    if (count == 0u) {
        return bitcast<f32>(params.nan);
    }
    return sum / f32(count);
}

fn lp_term(magnitude: f32, scale: f32, p: f32) -> f32 {
    if (is_nan(magnitude)) {
        return magnitude;
    }
    if (p == 1.0) {
        return magnitude;
    }
    if (magnitude == 0.0 || scale == 0.0) {
        return 0.0;
    }
    if (is_special(scale)) {
        return select(0.0, 1.0, magnitude == scale);
    }
    let ratio = magnitude / scale;
    if (p == 2.0) {
        return ratio * ratio;
    }
    return pow(ratio, p);
}

fn lp_root(sum: f32, scale: f32, p: f32) -> f32 {
    if (p == 1.0 || is_special(sum)) {
        return sum;
    }
    if (scale == 0.0 || is_special(scale)) {
        return scale;
    }
    if (p == 2.0) {
        return scale * sqrt(sum);
    }
    return scale * pow(sum, 1.0 / p);
}
