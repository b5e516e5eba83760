// Convolution of floats; lib/place.wgsl says of what.

@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> kernel: array<Word>;
@group(0) @binding(3) var<storage, read> bias: array<Word>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

// The sum of lib/sum.wgsl for four channels.
struct Sums {
    part: vec4<f32>,
    terms: u32,
    block: vec4<f32>,
    total: vec4<f32>,
    parts: u32,
}

fn add_part(sums: ptr<function, Sums>, part: vec4<f32>) {
    (*sums).block += part;
    (*sums).parts += 1u;
    if ((*sums).parts % PART == 0u) {
        (*sums).total += (*sums).block;
        (*sums).block = vec4<f32>();
    }
}

// Adds one tap's products over the input channels of a group up to `end`, the first of which has these positions in
// input and kernel.
fn add_tap(sums: ptr<function, Sums>, x_first: u32, w_first: vec4<u32>, end: u32) {
    var x_at = x_first + params.from_channel * params.in_stride.w;
    var w_at = w_first + params.from_channel * params.tap_stride.w;
    for (var i = params.from_channel; i < end; i += PART) {
        let stop = min(end, i + PART);
        for (var j = i; j < stop; j++) {
            (*sums).part += unpack(input[x_at], 0u) * four_of_kernel(w_at);
            x_at += params.in_stride.w;
            w_at += params.tap_stride.w;
        }
        (*sums).terms += stop - i;
        if ((*sums).terms >= PART) {
            add_part(sums, (*sums).part);
            (*sums).part = vec4<f32>();
            (*sums).terms = 0u;
        }
    }
}

fn result4(sums: Sums) -> vec4<f32> {
    return sums.total + (sums.block + sums.part);
}

// The four channels' results before the activation, with bias.
fn convolve(p: Place, out: vec3<u32>) -> vec4<f32> {
    let window = window_of(out);
    let group_in = params.in_size.w;
    let image = p.n * params.in_batch + p.channel_group * group_in * params.in_stride.w;
    let column = p.channel * params.tap_out;
    let channels = end_of_channels(window.first, window.end);
    var sums = Sums();
    for (var d = window.first.x; d < window.end.x; d++) {
        for (var h = window.first.y; h < window.end.y; h++) {
            for (var w = window.first.z; w < window.end.z; w++) {
                let tap = vec3<u32>(d, h, w);
                let at = vec3<u32>(window.start + vec3<i32>(tap * params.dilation.xyz));
                let x_at = image + dot(at, params.in_stride.xyz);
                add_tap(&sums, x_at, column + dot(tap, params.tap_stride.xyz), channels);
            }
        }
    }
    return with_bias(p, result4(sums));
}

fn four_of_kernel(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(
        unpack(kernel[at.x], 0u),
        unpack(kernel[at.y], 0u),
        unpack(kernel[at.z], 0u),
        unpack(kernel[at.w], 0u),
    );
}

fn with_bias(p: Place, sum: vec4<f32>) -> vec4<f32> {
    if (!is_set(p, params.has_bias)) {
        return sum;
    }
    return sum + vec4<f32>(
        unpack(bias[p.channel.x], 0u),
        unpack(bias[p.channel.y], 0u),
        unpack(bias[p.channel.z], 0u),
        unpack(bias[p.channel.w], 0u),
    );
}

// With the sum of the channels before, which the output holds.
fn accumulated(p: Place, sum: vec4<f32>) -> vec4<f32> {
    if (!is_set(p, params.from_channel)) {
        return sum;
    }
    let at = p.n * params.out_batch + dot(p.position, params.out_stride.xyz) + p.channel * params.out_stride.w;
    return sum + vec4<f32>(
        unpack(output[at.x], 0u),
        unpack(output[at.y], 0u),
        unpack(output[at.z], 0u),
        unpack(output[at.w], 0u),
    );
}

fn activate4(p: Place, x: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        activate(x.x, alpha_beta_of(p.channel.x)),
        activate(x.y, alpha_beta_of(p.channel.y)),
        activate(x.z, alpha_beta_of(p.channel.z)),
        activate(x.w, alpha_beta_of(p.channel.w)),
    );
}

fn store4(p: Place, values: vec4<f32>) {
    let at = p.n * params.out_batch + dot(p.position, params.out_stride.xyz);
    for (var j = 0u; j < min(4u, params.out_size.w - p.in_group); j++) {
        output[at + p.channel[j] * params.out_stride.w] = pack(vec4<f32>(values[j]));
    }
}
