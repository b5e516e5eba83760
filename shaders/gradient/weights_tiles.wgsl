// The gradient of a kernel: four output channels of a group, two input channels and a row of taps an invocation, over some rows of
// windows that neighbour each other. What a tap reads the one before reads of the next window, so that an element is loaded once for
// all taps. Parts of sums are left in 32 bits, each in the kernel's order; conv/parts.wgsl adds them.

@group(0) @binding(0) var<uniform> params: WeightsParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> gradient: array<Word>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

// Windows whose products are one chain of a sum.
const CHAIN: u32 = 16u;

// The element at a column of a row that begins at `at`, 0 in the padding.
fn element(at: u32, column: i32) -> f32 {
    let inside = u32(clamp(column, 0, i32(params.in_size.z) - 1));
    let value = unpack(input[at + inside * params.in_stride.z], 0u);
    return select(0.0, value, is_inside(column, i32(params.in_size.z)));
}

fn store_weights(to: u32, channels: vec4<u32>, in_group: u32, second: u32, tap: u32, values: vec4<f32>) {
    let at = to + second * params.tap_stride.w + tap * params.tap_stride.z;
    for (var j = 0u; j < min(4u, params.out_size.w - in_group); j++) {
        sums[at + channels[j] * params.tap_out] = values[j];
    }
}

fn compute(number: u32) {
    var rest = number;
    var tap: vec3<u32>;
    tap.y = rest % params.window.y;
    rest /= params.window.y;
    tap.x = rest % params.window.x;
    rest /= params.window.x;
    let channel = rest % params.channel_pairs * 2u;
    rest /= params.channel_pairs;
    let in_group = rest % params.blocks * 4u;
    rest /= params.blocks;
    let channel_group = rest % params.groups;
    let part = rest / params.groups;

    // Channels behind the group's last repeat it.
    let four = min(in_group + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.out_size.w - 1u));
    let channels = channel_group * params.out_size.w + four;
    let second = min(channel + 1u, params.in_size.w - 1u);
    let gradient_at = channels * params.out_stride.w;
    let start = vec3<i32>(tap * params.dilation.xyz) - params.pad_before.xyz;
    //: totals
    let last = min(params.rows, (part + 1u) * params.part_rows);
    for (var row = part * params.part_rows; row < last; row++) {
        let h = row % params.out_size.y;
        let d = row / params.out_size.y % params.out_size.x;
        let n = row / params.out_size.y / params.out_size.x;
        let at_d = i32(d * params.stride.x) + start.x;
        let at_h = i32(h * params.stride.y) + start.y;
        if (!is_inside(at_d, i32(params.in_size.x)) || !is_inside(at_h, i32(params.in_size.y))) {
            continue;
        }
        let row_at = n * params.in_batch + u32(at_d) * params.in_stride.x + u32(at_h) * params.in_stride.y;
        let x_at_0 = row_at + (channel_group * params.in_size.w + channel) * params.in_stride.w;
        let x_at_1 = row_at + (channel_group * params.in_size.w + second) * params.in_stride.w;
        let g_at = gradient_at + n * params.out_batch + d * params.out_stride.x + h * params.out_stride.y;
        //: first
        //: blocks
        for (var begin = 0u; begin < params.out_size.z; begin += CHAIN) {
            //: parts
            let end = min(begin + CHAIN, params.out_size.z);
            for (var w = begin; w < end; w++) {
                let g = g_at + w * params.out_stride.z;
                let by = vec4<f32>(
                    unpack(gradient[g.x], 0u),
                    unpack(gradient[g.y], 0u),
                    unpack(gradient[g.z], 0u),
                    unpack(gradient[g.w], 0u),
                );
                //: next
                //: products
                //: shift
            }
            //: add_parts
        }
        //: add_blocks
    }
    let to = part * params.elements + channel * params.tap_stride.w + tap.x * params.tap_stride.x + tap.y * params.tap_stride.y;
    //: store
}
