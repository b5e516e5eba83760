
fn finished(sums: vec4<f32>, channel: i32) -> vec4<f32> {
    let x = sums + bias_of(channel);
    let channels = vec4<u32>(u32(channel)) + min(vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(CHANNELS - 1u));
    return vec4<f32>(
        activate(x.x, alpha_beta_of(channels.x)),
        activate(x.y, alpha_beta_of(channels.y)),
        activate(x.z, alpha_beta_of(channels.z)),
        activate(x.w, alpha_beta_of(channels.w)),
    );
}
