// PReLU's slope in an output channel. The parameters of the activation are how many there are, in units of 65,536 and of 1.
fn alpha_beta_of(channel: u32) -> vec2<f32> {
    let count = u32(params.alpha_beta.x) * 65536u + u32(params.alpha_beta.y);
    return vec2<f32>(f32(slopes[channel % count]), 0.0);
}
