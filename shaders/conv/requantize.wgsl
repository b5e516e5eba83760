// Sums of an integer convolution as bytes: a word of the output an invocation.

@group(0) @binding(0) var<uniform> params: RequantizeParams;
@group(0) @binding(1) var<storage, read> sums: array<i32>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

// The nearest float, of two the even one. Conversions of larger integers may round either way, but both parts are exact, and
// their sum is rounded once.
fn nearest(sum: i32) -> f32 {
    let low = sum & 0xff;
    return f32(sum - low) + f32(low);
}

fn compute(number: u32) {
    if (number * LANES >= params.total) {
        return;
    }
    var values = vec4<f32>();
    for (var lane = 0u; lane < LANES; lane++) {
        let at = number * LANES + lane;
        if (at < params.total) {
            let channel = at / params.inner % params.channels;
            var sum = sums[at];
            if (params.has_bias == 1u) {
                sum += bias[channel];
            }
            let scaled = nearest(sum) * scales[channel * params.scale_each];
            values = with_lane(values, lane, round(clamp(scaled, params.least, params.most)) + params.zero);
        }
    }
    output[number] = pack(values);
}
