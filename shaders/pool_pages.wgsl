// Sliding-window pooling of a tensor that is read through pages. A chunk is a run of outputs whose windows lie in one
// page; an invocation computes the same local output of each chunk.

struct Chunk {
    first: u32,       // its first output element
    count: u32,       // output elements
    base: i32,        // where the first output's plane begins in the page, in elements
    pad_0: u32,
    start: vec4<u32>, // depth, height, width of the first output
}

struct PoolPagesParams {
    chunks: array<Chunk, 8>,
    in_size: vec4<i32>,       // depth, height, width, 0
    out_size: vec4<u32>,      // depth, height, width, elements of a position
    out_inverse: vec4<f32>,   // 1 / out_size
    window: vec4<u32>,        // depth, height, width, 0
    stride: vec4<i32>,
    dilation: vec4<u32>,
    inverse_dilation: vec4<f32>,
    pad_before: vec4<i32>,
    padded_end: vec4<i32>,    // input length + padding after it
    in_stride: vec4<i32>,     // depth, height, width, plane
    tap_step: vec4<i32>,      // what the next tap adds to a position in memory: depth, height, width, 0
    divisor: u32,             // 0: count the taps
    nan: u32,                 // the bits of NaN, which no constant may hold
    pad_0: u32,
    pad_1: u32,
}

const MAX: u32 = 0u;
const AVERAGE_PADDED: u32 = 2u;
override REDUCE: u32 = 0u;
// Taps along height and width where they are few: the loops over them are then unrolled.
override TAPS_H: u32 = 0u;
override TAPS_W: u32 = 0u;

@group(0) @binding(0) var<uniform> params: PoolPagesParams;
@group(0) @binding(9) var<storage, read_write> output: array<f32>;

// x / d for x below 2^21 by d's inverse: integer division is slow where it is done lane by lane.
fn quotient(x: u32, inverse: f32) -> u32 {
    return u32((f32(x) + 0.5) * inverse);
}

// Where NaN of both signs begins in the order of keys.
const INFINITY_KEY: u32 = 0xff000001u;

// A number's place in the order of all: minus infinity is 0, NaN of both signs lies above infinity.
fn key_of(bits: u32) -> u32 {
    return (bits ^ (bitcast<u32>(bitcast<i32>(bits) >> 31u) & 0x7fffffffu)) - 0x807fffffu;
}

fn of_key(key: u32) -> f32 {
    if (key > INFINITY_KEY) {
        return bitcast<f32>(params.nan);
    }
    let bits = key + 0x807fffffu;
    return bitcast<f32>(bits ^ (bitcast<u32>(bitcast<i32>(bits) >> 31u) & 0x7fffffffu));
}

struct Window {
    at: i32,           // its first tap inside the input, from the chunk's base
    taps: vec3<u32>,   // those inside the input
    padded: u32,       // those inside the padded input
}

// As in taps.wgsl, without division.
fn taps_below(start: i32, end: i32, axis: u32) -> u32 {
    let room = u32(max(end - start, 0));
    return min(params.window[axis], quotient(room + params.dilation[axis] - 1u, params.inverse_dilation[axis]));
}

fn window_of(local: u32, start: vec4<u32>) -> Window {
    var out: vec3<u32>;
    var rest = quotient(local, params.out_inverse.w);
    let inner = local - rest * params.out_size.w;
    rest += start.z;
    var next = quotient(rest, params.out_inverse.z);
    out.z = rest - next * params.out_size.z;
    rest = next + start.y;
    next = quotient(rest, params.out_inverse.y);
    out.y = rest - next * params.out_size.y;
    rest = next + start.x;
    next = quotient(rest, params.out_inverse.x);
    out.x = rest - next * params.out_size.x;

    var window: Window;
    window.at = i32(next) * params.in_stride.w + i32(inner);
    window.padded = 1u;
    for (var axis = 0u; axis < 3u; axis++) {
        let begin = i32(out[axis]) * params.stride[axis] - params.pad_before[axis];
        let first = taps_below(begin, 0, axis);
        let end = taps_below(begin, params.in_size[axis], axis);
        window.taps[axis] = max(end, first) - first;
        window.at += begin * params.in_stride[axis] + i32(first) * params.tap_step[axis];
        window.padded *= taps_below(begin, params.padded_end[axis], axis);
    }
    return window;
}

fn mean(sum: f32, window: Window) -> f32 {
    var count = window.taps.x * window.taps.y * window.taps.z;
    if (REDUCE == AVERAGE_PADDED) {
        count = window.padded;
    }
    if (params.divisor != 0u) {
        count = params.divisor;
    }
    return average_of(sum, count);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    pool_0(number);
    pool_1(number);
    pool_2(number);
    pool_3(number);
    pool_4(number);
    pool_5(number);
    pool_6(number);
    pool_7(number);
}
