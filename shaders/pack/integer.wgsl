// A kernel of bytes less its zero points: a vector for each tap of four output channels of a group, the input channels of a
// tap one after another. Behind the group's last channel the vectors repeat it.

@group(0) @binding(0) var<uniform> params: PackIntegerParams;
@group(0) @binding(1) var<storage, read> kernel: array<Word>;
@group(0) @binding(2) var<storage, read> zeros: array<Word>;
@group(0) @binding(3) var<storage, read_write> packed: array<vec4<i32>>;

// The weight of a tap and of one of a block's four channels.
fn weight_of(tap_at: u32, block: u32, j: u32) -> i32 {
    let in_group = min(block % params.blocks * 4u + j, params.group_out - 1u);
    let channel = block / params.blocks * params.group_out + in_group;
    let at = tap_at + channel * params.tap_out;
    let zero = channel * params.zero_each;
    return i32(unpack(kernel[at / LANES], at % LANES)) - i32(unpack(zeros[zero / LANES], zero % LANES));
}

fn compute(number: u32) {
    var rest = number / params.window.w;
    var tap: vec3<u32>;
    tap.z = rest % params.window.z;
    rest /= params.window.z;
    tap.y = rest % params.window.y;
    rest /= params.window.y;
    tap.x = rest % params.window.x;
    rest /= params.window.x;
    let at = dot(tap, params.tap_stride.xyz) + number % params.window.w * params.tap_stride.w;
    packed[number] = vec4<i32>(
        weight_of(at, rest, 0u),
        weight_of(at, rest, 1u),
        weight_of(at, rest, 2u),
        weight_of(at, rest, 3u),
    );
}
