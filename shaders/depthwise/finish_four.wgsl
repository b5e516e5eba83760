
fn finished(sums: vec4<f32>, channel: i32) -> vec4<f32> {
    let x = sums + bias_of(channel);
    return vec4<f32>(
        activate(x.x, params.alpha_beta),
        activate(x.y, params.alpha_beta),
        activate(x.z, params.alpha_beta),
        activate(x.w, params.alpha_beta),
    );
}
