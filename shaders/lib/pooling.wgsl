// What averages and Lp norms are made of.

// A window without taps averages to NaN; the division of 0 by 0 is not sure to be NaN on every backend.
fn average_of(sum: f32, count: f32) -> f32 {
    if (count == 0.0) {
        return bitcast<f32>(params.nan);
    }
    return sum / count;
}

// A magnitude relative to the largest. Drivers divide by multiplying with the reciprocal, which must be a normal number: a
// power of two takes a very large or very small divisor there.
fn lp_ratio(magnitude: f32, scale: f32) -> f32 {
    var unit = 1.0;
    if (scale > 0x1p+100f) {
        unit = 0x1p-32f;
    } else if (scale < 0x1p-100f) {
        unit = 0x1p+64f;
    }
    let divisor = scale * unit;
    // Where subnormal numbers are taken for zero.
    if (divisor == 0.0) {
        return 0.0;
    }
    return (magnitude * unit) / divisor;
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
    let ratio = lp_ratio(magnitude, scale);
    if (p == 2.0) {
        return ratio * ratio;
    }
    return pow(ratio, p);
}

// x^p with its sign: NaN for a negative number and a power that is not whole.
fn lp_signed_term(x: f32, scale: f32, p: f32) -> f32 {
    let term = lp_term(abs(x), scale, p);
    if (x >= 0.0 || is_nan(x)) {
        return term;
    }
    if (floor(p) != p) {
        return bitcast<f32>(params.nan);
    }
    return select(term, -term, floor(p * 0.5) * 2.0 != p);
}

// `root` is 1 / p, which a division here would round less well.
fn lp_root(sum: f32, scale: f32, p: f32, root: f32) -> f32 {
    if (p == 1.0 || is_special(sum)) {
        return sum;
    }
    if (scale == 0.0 || is_special(scale)) {
        return scale;
    }
    if (sum < 0.0) {
        return bitcast<f32>(params.nan);
    }
    if (p == 2.0) {
        return scale * sqrt(sum);
    }
    return scale * pow(sum, root);
}
