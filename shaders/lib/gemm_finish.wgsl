// What becomes of the sums of a product of matrices.

// Bias, residual and activation, of a channel at four columns: which of them are there, and where their results go but for the
// channel.
fn finished(there: vec4<bool>, to: vec4<u32>, channel_group: u32, channel: u32, sum: vec4<f32>) -> vec4<f32> {
    if (channel >= params.out_size.w) {
        return vec4<f32>();
    }
    var value = sum;
    if (FINISH == PARTIAL) {
        return value;
    }
    let own = channel_group * params.out_size.w + channel;
    if (params.has_bias != 0u) {
        value += unpack(bias[own], 0u);
    }
    let at = select(vec4<u32>(), to + vec4<u32>(own * params.out_stride.w), there);
    let alpha_beta = alpha_beta_of(own);
    return vec4<f32>(
        activate(with_residual(value.x, at.x), alpha_beta),
        activate(with_residual(value.y, at.y), alpha_beta),
        activate(with_residual(value.z, at.z), alpha_beta),
        activate(with_residual(value.w, at.w), alpha_beta),
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
