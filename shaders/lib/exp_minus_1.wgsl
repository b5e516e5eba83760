// exp(x) - 1 of a number that is not positive, by its series near 0. The series' next term is half a unit in the last place
// at its end, from which on what WGSL permits exp to be off stays in the bound.
fn exp_minus_1(x: f32) -> f32 {
    let series = x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666667 + x * (0.0083333333 + x * 0.0013888889)))));
    return select(exp(x) - 1.0, series, x > -0.25);
}
