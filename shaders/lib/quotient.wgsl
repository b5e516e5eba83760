// WGSL promises quotients of divisors up to 2^126 alone; both sides of larger ones are scaled.
fn quotient(a: f32, b: f32) -> f32 {
    let scale = select(1.0, 0.25, abs(b) > 8.5e37);
    return (a * scale) / (b * scale);
}
