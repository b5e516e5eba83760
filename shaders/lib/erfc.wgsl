// Complementary error function: Chebyshev fit of Numerical Recipes (erfcc), fractional error below 1.2e-7.
fn erfc(x: f32) -> f32 {
    let z = min(abs(x), 13.0);
    let t = 1.0 / (1.0 + 0.5 * z);
    let p = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
        + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
    let tail = t * exp(-z * z + p);
    return select(tail, 2.0 - tail, x < 0.0);
}
