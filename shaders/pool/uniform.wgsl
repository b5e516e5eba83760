// Sliding-window pooling of a tensor that is read through pages. A chunk is a run of outputs whose windows lie in one page; an
// invocation computes the same local output of each chunk.

const MAX: u32 = 0u;
const AVERAGE_PADDED: u32 = 2u;
override REDUCE: u32 = 0u;

struct Chunk {
    first: u32, // its first output
    count: u32, // outputs
    base: i32,  // where the first output's plane begins in the page, in elements
    row: i32,   // the first output's row
}

// Axes are row, middle and last: rows are what chunks consist of, and axes before them have one position.
@group(0) @binding(0) var<uniform> params: PagesParams;
@group(0) @binding(9) var<storage, read_write> output: array<f32>;

// x / d for x below 2^15, by the factor and shift that go with d: integer division is slow on CPUs.
fn quotient(x: i32, factor: u32, shift: u32) -> i32 {
    return i32((u32(x) * factor) >> shift);
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
    row: i32,    // taps inside the input along rows
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
    place.at = inner + middle * params.in_stride.y + first_middle * params.tap_step.y
        + last * params.in_stride.z + first_last * params.tap_step.z;
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
    window.at = place.at + chunk.base + plane * params.in_stride.w + begin * params.in_stride.x
        + first * params.tap_step.x;
    let rows = max(taps_below(begin, params.in_size.x, 0u) - first, 0);
    // Behind the chunk there is nothing to load.
    window.row = select(0, rows, place.local < chunk.count);
    window.padded = place.padded * taps_below(begin, params.padded_end.x, 0u);
    return window;
}

// The maximum of taps that are taken from the last to the first: of equal ones the first stays, though -0 and +0 have one
// order. So a zero's bits are kept beside the order of the largest.
struct Largest {
    order: u32,
    zero: f32,
}

// Where zeros of both signs are in the order.
const ZERO: u32 = 0x7f800000u;

fn take(largest: ptr<function, Largest>, value: f32) {
    // Minus infinity is 0 in the order, NaN of both signs lies above infinity.
    let bits = bitcast<i32>(value);
    let negative = bits >> 31u;
    let order = bitcast<u32>(((bits & 0x7fffffff) ^ negative) - negative) + ZERO;
    (*largest).order = max((*largest).order, order);
    (*largest).zero = select((*largest).zero, value, order == ZERO);
}

fn maximum_of(largest: Largest) -> f32 {
    let signed = bitcast<i32>(largest.order - ZERO);
    let bits = abs(signed) | (signed & (-0x7fffffff - 1));
    return select(bitcast<f32>(bits), largest.zero, largest.order == ZERO);
}

// As average_of in pooling.wgsl.
fn mean(sum: f32, place: Place, window: Window) -> f32 {
    var count = u32(window.row * place.middle * place.last);
    if (REDUCE == AVERAGE_PADDED) {
        count = u32(window.padded);
    }
    if (params.divisor != 0u) {
        count = params.divisor;
    }
    return select(sum / f32(count), bitcast<f32>(params.nan), count == 0u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let place = place_of(invocation_number(group, groups, local));
    //: pages
}
