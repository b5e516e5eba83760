// Direct convolution: one output position and four output channels of a group an invocation.

struct ConvParams {
    in_size: vec4<u32>,    // depth, height, width, input channels of a group
    out_size: vec4<u32>,   // depth, height, width, output channels of a group
    window: vec4<u32>,     // depth, height, width, 0
    stride: vec4<u32>,
    dilation: vec4<u32>,
    pad_before: vec4<i32>,
    in_stride: vec4<u32>,  // depth, height, width, channel
    out_stride: vec4<u32>,
    tap_stride: vec4<u32>, // kernel: depth, height, width, input channel
    tap_out: u32,          // kernel: output channel
    in_batch: u32,         // elements of an input image
    out_batch: u32,        // elements of an output image
    blocks: u32,           // blocks of four output channels in a group
    groups: u32,
    total: u32,            // invocations that have work
    has_bias: u32,
    alpha: f32,
}

override CHANNELS_LAST: bool = false;

@group(0) @binding(0) var<uniform> params: ConvParams;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

// The upper levels of the sum of lib/sum.wgsl, for four channels.
struct Sums {
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

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.total) {
        return;
    }
    // Neighbours in memory go to neighbouring invocations: channels where they lie last, else positions.
    var rest = number;
    var block: u32;
    let all_blocks = params.groups * params.blocks;
    if (CHANNELS_LAST) {
        block = rest % all_blocks;
        rest /= all_blocks;
    }
    var out: vec3<u32>;
    out.z = rest % params.out_size.z;
    rest /= params.out_size.z;
    out.y = rest % params.out_size.y;
    rest /= params.out_size.y;
    out.x = rest % params.out_size.x;
    rest /= params.out_size.x;
    if (!CHANNELS_LAST) {
        block = rest % all_blocks;
        rest /= all_blocks;
    }
    let n = rest;
    let channel_group = block / params.blocks;
    let in_group = block % params.blocks * 4u;
    let last = params.out_size.w - 1u;
    let channel = channel_group * params.out_size.w
        + min(vec4<u32>(in_group, in_group + 1u, in_group + 2u, in_group + 3u), vec4<u32>(last));
    let column = channel * params.tap_out;

    let start = vec3<i32>(out * params.stride.xyz) - params.pad_before.xyz;
    var first: vec3<u32>;
    var end: vec3<u32>;
    for (var axis = 0u; axis < 3u; axis++) {
        first[axis] = first_tap(start[axis], params.dilation[axis], params.window[axis]);
        end[axis] = end_tap(start[axis], i32(params.in_size[axis]), params.dilation[axis], params.window[axis]);
    }

    let group_in = params.in_size.w;
    let image = n * params.in_batch + channel_group * group_in * params.in_stride.w;
    var sums = Sums();
    var part = vec4<f32>();
    var terms = 0u;
    for (var d = first.x; d < end.x; d++) {
        for (var h = first.y; h < end.y; h++) {
            for (var w = first.z; w < end.z; w++) {
                let tap = vec3<u32>(d, h, w);
                let at = vec3<u32>(start + vec3<i32>(tap * params.dilation.xyz));
                var x_at = image + dot(at, params.in_stride.xyz);
                var w_at = column + dot(tap, params.tap_stride.xyz);
                for (var i = 0u; i < group_in; i += PART) {
                    let stop = min(group_in, i + PART);
                    for (var j = i; j < stop; j++) {
                        let weights = vec4<f32>(kernel[w_at.x], kernel[w_at.y], kernel[w_at.z], kernel[w_at.w]);
                        part += input[x_at] * weights;
                        x_at += params.in_stride.w;
                        w_at += params.tap_stride.w;
                    }
                    terms += stop - i;
                    if (terms >= PART) {
                        add_part(&sums, part);
                        part = vec4<f32>();
                        terms = 0u;
                    }
                }
            }
        }
    }
    var result = sums.total + (sums.block + part);
    if (params.has_bias != 0u) {
        result += vec4<f32>(bias[channel.x], bias[channel.y], bias[channel.z], bias[channel.w]);
    }

    let out_at = n * params.out_batch + dot(out, params.out_stride.xyz);
    for (var j = 0u; j < min(4u, params.out_size.w - in_group); j++) {
        output[out_at + channel[j] * params.out_stride.w] = activate(result[j], params.alpha);
    }
}
