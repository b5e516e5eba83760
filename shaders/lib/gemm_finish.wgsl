// What becomes of the sums of a product of matrices.

// Bias and activation.
fn finished(channel_group: u32, channel: u32, sum: vec4<f32>) -> vec4<f32> {
    if (channel >= params.out_size.w) {
        return vec4<f32>();
    }
    var value = sum;
    if (FINISH == PARTIAL) {
        return value;
    }
    if (params.has_bias != 0u) {
        value += unpack(bias[channel_group * params.out_size.w + channel], 0u);
    }
    let alpha_beta = alpha_beta_of(channel_group * params.out_size.w + channel);
    return vec4<f32>(
        activate(value.x, alpha_beta),
        activate(value.y, alpha_beta),
        activate(value.z, alpha_beta),
        activate(value.w, alpha_beta),
    );
}

// One channel at four columns.
fn write(there: vec4<bool>, to: vec4<u32>, channel_group: u32, channel: u32, value: vec4<f32>) {
    if (channel >= params.out_size.w) {
        return;
    }
    let at = to + vec4<u32>((channel_group * params.out_size.w + channel) * params.out_stride.w);
    if (there.x) {
        store(at.x, value.x);
    }
    if (there.y) {
        store(at.y, value.y);
    }
    if (there.z) {
        store(at.z, value.z);
    }
    if (there.w) {
        store(at.w, value.w);
    }
}
