// What becomes of the sums of a product of matrices.

// What an invocation needs to finish its sums.
struct Own {
    source: Source,
    there: vec4<bool>,
    block: u32,
    begin: u32,
    end: u32,
    channel_group: u32,
}

// Bias and activation, and exact sums where padding met a weight that is no finite number.
fn finished(own: Own, channel: u32, sum: vec4<f32>) -> vec4<f32> {
    if (channel >= params.out_size.w) {
        return vec4<f32>();
    }
    let s = own.source;
    var value = sum;
    if (TAPS != 0u) {
        for (var lane = 0u; lane < 4u; lane++) {
            if (own.there[lane] && is_nan(sum[lane])) {
                let first = vec3<i32>(s.depth[lane], s.height[lane], s.width[lane]);
                value[lane] = exact(own, channel, sum[lane], s.base[lane], first);
            }
        }
    }
    if (FINISH == PARTIAL) {
        return value;
    }
    if (params.has_bias != 0u) {
        value += unpack(bias[own.channel_group * params.out_size.w + channel], 0u);
    }
    return vec4<f32>(
        activate(value.x, params.alpha),
        activate(value.y, params.alpha),
        activate(value.z, params.alpha),
        activate(value.w, params.alpha),
    );
}

// The product of padding's 0 and an infinite or NaN weight is NaN, though padding is no term at all: a sum that is
// NaN and reaches padding is computed again, over the taps inside the input alone.
fn exact(own: Own, channel: u32, sum: f32, base: u32, first: vec3<i32>) -> f32 {
    let last = first + vec3<i32>((params.window.xyz - vec3<u32>(1u)) * params.dilation.xyz);
    if (all(first >= vec3<i32>()) && all(last < vec3<i32>(params.in_size.xyz))) {
        return sum;
    }
    var again = Sum();
    let in_tile = channel % TILE;
    for (var k = own.begin; k < own.end; k++) {
        let tap = tap_of(k);
        let step = tap.xyz * params.dilation.xyz;
        if (all(bitcast<vec3<u32>>(first + vec3<i32>(step)) < params.in_size.xyz)) {
            let x = unpack(input[base + dot(step, params.in_stride.xyz) + tap.w * params.in_stride.w], 0u);
            let four = weights[(own.block + k) * (TILE / 4u) + in_tile / 4u];
            add(&again, x * f32(four[in_tile % 4u]));
        }
    }
    return result(again);
}

// One channel at four columns.
fn write(own: Own, to: vec4<u32>, channel: u32, value: vec4<f32>) {
    if (channel >= params.out_size.w) {
        return;
    }
    let at = to + vec4<u32>((own.channel_group * params.out_size.w + channel) * params.out_stride.w);
    if (own.there.x) {
        store(at.x, value.x);
    }
    if (own.there.y) {
        store(at.y, value.y);
    }
    if (own.there.z) {
        store(at.z, value.z);
    }
    if (own.there.w) {
        store(at.w, value.w);
    }
}
