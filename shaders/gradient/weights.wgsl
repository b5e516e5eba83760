// The gradient of a kernel: four output channels of a group at an input channel and a tap an invocation, over some rows of windows.
// Parts of sums are left in 32 bits, each in the kernel's order; conv/parts.wgsl adds them.

@group(0) @binding(0) var<uniform> params: WeightsParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> gradient: array<Word>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

// The sum of lib/sum.wgsl for four channels.
struct Sums {
    part: vec4<f32>,
    block: vec4<f32>,
    total: vec4<f32>,
    terms: u32,
}

fn add_terms(sum: ptr<function, Sums>, terms: vec4<f32>) {
    (*sum).part += terms;
    (*sum).terms += 1u;
    if ((*sum).terms % PART == 0u) {
        (*sum).block += (*sum).part;
        (*sum).part = vec4<f32>();
        if ((*sum).terms % (PART * PART) == 0u) {
            (*sum).total += (*sum).block;
            (*sum).block = vec4<f32>();
        }
    }
}

fn compute(number: u32) {
    var rest = number;
    var tap: vec3<u32>;
    tap.z = rest % params.window.z;
    rest /= params.window.z;
    tap.y = rest % params.window.y;
    rest /= params.window.y;
    tap.x = rest % params.window.x;
    rest /= params.window.x;
    let channel = rest % params.in_size.w;
    rest /= params.in_size.w;
    let in_group = rest % params.blocks * 4u;
    rest /= params.blocks;
    let channel_group = rest % params.groups;
    let part = rest / params.groups;

    // Channels behind the group's last repeat it.
    let four = min(in_group + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.out_size.w - 1u));
    let channels = channel_group * params.out_size.w + four;
    let image_at = (channel_group * params.in_size.w + channel) * params.in_stride.w;
    let gradient_at = channels * params.out_stride.w;
    let ahead = vec3<i32>(tap * params.dilation.xyz) - params.pad_before.xyz;
    // The windows of a row whose tap lies inside.
    let first = u32(max(-ahead.z + i32(params.stride.z) - 1, 0)) / params.stride.z;
    let room = max(i32(params.in_size.z) - ahead.z + i32(params.stride.z) - 1, 0);
    let end = min(u32(room) / params.stride.z, params.out_size.z);

    var sum = Sums();
    let last = min(params.rows, (part + 1u) * params.part_rows);
    for (var row = part * params.part_rows; row < last; row++) {
        let h = row % params.out_size.y;
        let d = row / params.out_size.y % params.out_size.x;
        let n = row / params.out_size.y / params.out_size.x;
        let at_d = i32(d * params.stride.x) + ahead.x;
        let at_h = i32(h * params.stride.y) + ahead.y;
        if (!is_inside(at_d, i32(params.in_size.x)) || !is_inside(at_h, i32(params.in_size.y))) {
            continue;
        }
        let x_at = image_at + n * params.in_batch + u32(at_d) * params.in_stride.x + u32(at_h) * params.in_stride.y;
        let g_at = gradient_at + n * params.out_batch + d * params.out_stride.x + h * params.out_stride.y;
        for (var w = first; w < end; w++) {
            let x = unpack(input[x_at + u32(i32(w * params.stride.z) + ahead.z) * params.in_stride.z], 0u);
            let g = g_at + w * params.out_stride.z;
            let by = vec4<f32>(
                unpack(gradient[g.x], 0u),
                unpack(gradient[g.y], 0u),
                unpack(gradient[g.z], 0u),
                unpack(gradient[g.w], 0u),
            );
            add_terms(&sum, x * by);
        }
    }
    let values = sum.total + (sum.block + sum.part);
    let to = part * params.elements + channel * params.tap_stride.w + dot(tap, params.tap_stride.xyz);
    for (var j = 0u; j < min(4u, params.out_size.w - in_group); j++) {
        sums[to + channels[j] * params.tap_out] = values[j];
    }
}
