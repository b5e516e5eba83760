// What the convolution kernels share: four output channels of a group at one position.

struct ConvParams {
    in_size: vec4<u32>,    // depth, height, width, input channels of a group
    out_size: vec4<u32>,   // depth, height, width, output channels of a group
    window: vec4<u32>,     // depth, height, width, input channels of a group
    stride: vec4<u32>,
    dilation: vec4<u32>,
    pad_before: vec4<i32>,
    in_stride: vec4<u32>,  // depth, height, width, channel
    out_stride: vec4<u32>,
    in_batch: u32,         // elements of an input image
    out_batch: u32,        // elements of an output image
    has_bias: u32,
    alpha: f32,
    // Pooling behind the convolution; the strides of the output are then the pooled tensor's.
    pooled: vec4<u32>,     // depth, height, width of the pooled tensor, divisor or 0
    pool_window: vec4<u32>,
    pool_stride: vec4<u32>,
    pool_dilation: vec4<u32>,
    pool_before: vec4<i32>,
    pool_end: vec4<i32>,   // length + padding after it
    tap_stride: vec4<u32>, // kernel: depth, height, width, input channel
    tap_out: u32,          // kernel: output channel
    blocks: u32,           // blocks of four output channels in a group
    groups: u32,
    total: u32,            // invocations that have work
    identity: f32,
    nan: u32,
    from_channel: u32,     // input channels of a group that are summed up; the output holds the sum of those before
    to_channel: u32,
}

@group(0) @binding(0) var<uniform> params: ConvParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> kernel: array<Word>;
@group(0) @binding(3) var<storage, read> bias: array<Word>;

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

// Adds one tap's products over the input channels of a group, the first of which has these positions in input and
// kernel.
fn add_tap(sums: ptr<function, Sums>, x_first: u32, w_first: vec4<u32>) {
    let end = params.to_channel;
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

// Which output an invocation computes.
struct Place {
    n: u32,
    position: vec3<u32>,
    channel_group: u32,
    in_group: u32,       // first of the four channels, in the group
    channel: vec4<u32>,  // the four channels; behind the group's last they repeat it
}

fn place(number: u32, size: vec3<u32>) -> Place {
    let e = element_of(number, size, params.groups * params.blocks);
    let block = e.channel;
    var p: Place;
    p.n = e.image;
    p.position = e.position;
    p.channel_group = block / params.blocks;
    p.in_group = block % params.blocks * 4u;
    let four = p.in_group + vec4<u32>(0u, 1u, 2u, 3u);
    p.channel = p.channel_group * params.out_size.w + min(four, vec4<u32>(params.out_size.w - 1u));
    return p;
}

// The four channels' results before the activation, with bias.
fn convolve(p: Place, out: vec3<u32>) -> vec4<f32> {
    let start = vec3<i32>(out * params.stride.xyz) - params.pad_before.xyz;
    var first: vec3<u32>;
    var end: vec3<u32>;
    for (var axis = 0u; axis < 3u; axis++) {
        first[axis] = first_tap(start[axis], params.dilation[axis], params.window[axis]);
        end[axis] = end_tap(start[axis], i32(params.in_size[axis]), params.dilation[axis], params.window[axis]);
    }
    let group_in = params.in_size.w;
    let image = p.n * params.in_batch + p.channel_group * group_in * params.in_stride.w;
    let column = p.channel * params.tap_out;
    var sums = Sums();
    for (var d = first.x; d < end.x; d++) {
        for (var h = first.y; h < end.y; h++) {
            for (var w = first.z; w < end.z; w++) {
                let tap = vec3<u32>(d, h, w);
                let at = vec3<u32>(start + vec3<i32>(tap * params.dilation.xyz));
                let x_at = image + dot(at, params.in_stride.xyz);
                add_tap(&sums, x_at, column + dot(tap, params.tap_stride.xyz));
            }
        }
    }
    return with_bias(result4(sums), p.channel);
}

fn four_of_kernel(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(
        unpack(kernel[at.x], 0u),
        unpack(kernel[at.y], 0u),
        unpack(kernel[at.z], 0u),
        unpack(kernel[at.w], 0u),
    );
}

fn with_bias(sum: vec4<f32>, channel: vec4<u32>) -> vec4<f32> {
    if (params.has_bias == 0u) {
        return sum;
    }
    return sum + vec4<f32>(
        unpack(bias[channel.x], 0u),
        unpack(bias[channel.y], 0u),
        unpack(bias[channel.z], 0u),
        unpack(bias[channel.w], 0u),
    );
}

// With the sum of the channels before, which the output holds.
fn gone_on(p: Place, sum: vec4<f32>) -> vec4<f32> {
    if (params.from_channel == 0u) {
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

fn activate4(x: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        activate(x.x, params.alpha),
        activate(x.y, params.alpha),
        activate(x.z, params.alpha),
        activate(x.w, params.alpha),
    );
}

fn store4(p: Place, values: vec4<f32>) {
    let at = p.n * params.out_batch + dot(p.position, params.out_stride.xyz);
    for (var j = 0u; j < min(4u, params.out_size.w - p.in_group); j++) {
        output[at + p.channel[j] * params.out_stride.w] = pack(vec4<f32>(values[j]));
    }
}
