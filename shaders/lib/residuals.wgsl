// A sum with bias, and the residual's element for the output's at `at`.
fn with_residual(sum: f32, at: u32) -> f32 {
    return sum + f32(residuals[at]);
}
