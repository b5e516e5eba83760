// Sliding-window pooling of a tensor that is read through pages. A chunk is a run of outputs whose windows lie in one
// page; an invocation computes the same local output of each chunk.

struct Chunk {
    first: u32, // its first output element
    count: u32, // output elements
    base: i32,  // where the first output's plane begins in the page, in elements
    row: i32,   // the first output's row
}

// Axes are row, middle and last: rows are what chunks consist of, and axes before them have one position.
struct PoolPagesParams {
    chunks: array<Chunk, 8>,
    in_size: vec4<i32>,       // row, middle, last, 0
    out_size: vec4<i32>,      // row, middle, last, elements of a position
    out_factor: vec4<u32>,    // for quotients by out_size
    out_shift: vec4<u32>,
    window: vec4<i32>,        // row, middle, last, 0
    stride: vec4<i32>,
    dilation: vec4<i32>,
    dilation_factor: vec4<u32>,
    dilation_shift: vec4<u32>,
    pad_before: vec4<i32>,
    padded_end: vec4<i32>,    // input length + padding after it
    in_stride: vec4<i32>,     // row, middle, last, plane
    tap_step: vec4<i32>,      // what the next tap adds to a place in memory: row, middle, last, 0
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

// x / d for x below 2^15, by the factor and shift that go with d: integer division is slow on CPUs.
fn quotient(x: i32, factor: u32, shift: u32) -> i32 {
    return i32((u32(x) * factor) >> shift);
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

// What the windows of a local output have in common in all chunks.
struct Place {
    local: u32,
    row: i32,    // from the chunk's first
    at: i32,     // the first tap inside the input, from the beginning of the row
    middle: i32, // taps inside the input
    last: i32,
    padded: i32, // taps inside the padded input: middle times last
}

// A window in a page.
struct Window {
    at: i32,     // its first tap inside the input
    row: i32,    // taps inside the input
    middle: i32,
    last: i32,
    padded: i32, // taps inside the padded input
}

// As in taps.wgsl, without division.
fn taps_below(start: i32, end: i32, axis: u32) -> i32 {
    let room = clamp(end - start, 0, params.window[axis] * params.dilation[axis]);
    return quotient(room + params.dilation[axis] - 1, params.dilation_factor[axis], params.dilation_shift[axis]);
}

fn place_of(local: u32) -> Place {
    let position = quotient(i32(local), params.out_factor.w, params.out_shift.w);
    let before = quotient(position, params.out_factor.z, params.out_shift.z);
    let row = quotient(before, params.out_factor.y, params.out_shift.y);
    let inner = i32(local) - position * params.out_size.w;
    let last = (position - before * params.out_size.z) * params.stride.z - params.pad_before.z;
    let middle = (before - row * params.out_size.y) * params.stride.y - params.pad_before.y;

    var place: Place;
    place.local = local;
    place.row = row;
    let first_middle = taps_below(middle, 0, 1u);
    let first_last = taps_below(last, 0, 2u);
    place.at = inner + middle * params.in_stride.y + last * params.in_stride.z
        + first_middle * params.tap_step.y + first_last * params.tap_step.z;
    place.middle = max(taps_below(middle, params.in_size.y, 1u) - first_middle, 0);
    place.last = max(taps_below(last, params.in_size.z, 2u) - first_last, 0);
    place.padded = taps_below(middle, params.padded_end.y, 1u) * taps_below(last, params.padded_end.z, 2u);
    return place;
}

fn window_of(place: Place, chunk: Chunk) -> Window {
    let row = chunk.row + place.row;
    let plane = quotient(row, params.out_factor.x, params.out_shift.x);
    let begin = (row - plane * params.out_size.x) * params.stride.x - params.pad_before.x;
    let first = taps_below(begin, 0, 0u);
    var window: Window;
    window.at = chunk.base + place.at + plane * params.in_stride.w + begin * params.in_stride.x
        + first * params.tap_step.x;
    window.row = max(taps_below(begin, params.in_size.x, 0u) - first, 0);
    window.middle = place.middle;
    window.last = place.last;
    window.padded = place.padded * taps_below(begin, params.padded_end.x, 0u);
    return window;
}

fn mean(sum: f32, window: Window) -> f32 {
    var count = u32(window.row * window.middle * window.last);
    if (REDUCE == AVERAGE_PADDED) {
        count = u32(window.padded);
    }
    return average_of(sum, select(params.divisor, count, params.divisor == 0u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let place = place_of(invocation_number(group, groups, local));
    pool_0(place);
    pool_1(place);
    pool_2(place);
    pool_3(place);
    pool_4(place);
    pool_5(place);
    pool_6(place);
    pool_7(place);
}
