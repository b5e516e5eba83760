// With n = exp(x) it is (n^2 + 2n) / (n^2 + 2n + 2), which takes no difference; where x is positive, both sides of the
// fraction are divided by n^2, which may be infinite.
fn tanh_of_softplus(x: f32) -> f32 {
    let e = exp(-abs(x));
    let above = select(e * (e + 2.0), 1.0 + 2.0 * e, x > 0.0);
    return above / (above + 2.0 * select(1.0, e * e, x > 0.0));
}
