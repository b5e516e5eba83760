// Adds the parts of a convolution's sums that conv/gemm.wgsl left in 32 bits; then bias, residual and activation. One element
// of the output an invocation.

@group(0) @binding(0) var<uniform> params: PartsParams;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<Word>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;

fn compute(number: u32) {
    var sum = 0.0;
    for (var part = 0u; part < params.parts; part++) {
        sum += sums[part * params.total + number];
    }
    let channel = number / params.channel_stride % params.channels;
    if (params.has_bias != 0u) {
        sum += unpack(bias[channel], 0u);
    }
    sum = with_residual(sum, number);
    output[number] = pack(vec4<f32>(activate(sum, alpha_beta_of(channel))));
}
