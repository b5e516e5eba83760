// What the kernels that read a tensor through pages share. A chunk is a run of outputs whose windows lie in one page; an
// invocation computes the same local output of each chunk.

struct Chunk {
    first: u32, // its first output, in ones or fours
    count: u32, // outputs, likewise
    base: i32,  // where the first output's plane begins in the page, in elements
    row: i32,   // the first output's row
    pad_0: u32,
    pad_1: u32,
    pad_2: u32,
    pad_3: u32,
}

// Axes are row, middle and last: rows are what chunks consist of, and axes before them have one position.
@group(0) @binding(0) var<uniform> params: PagesParams;
@group(0) @binding(9) var<storage, read_write> output: array<Floats>;

// x / d for x below 2^15, by the factor and shift that go with d: integer division is slow on CPUs.
fn quotient(x: i32, factor: u32, shift: u32) -> i32 {
    return i32((u32(x) * factor) >> shift);
}

// What the windows of a local output have in common in all chunks. Along the last axis there may be four.
struct Place {
    local: u32,
    row: i32,          // from the chunk's first
    inner: i32,        // the channel, where channels lie last
    at: Ints,          // the first tap inside the input, from the beginning of the row
    row_at: i32,       // the same for position 0 on the last axis
    column: i32,       // where the first window begins on the last axis, which may be in the padding
    middle: i32,       // taps inside the input
    last: Ints,
    padded: Ints,      // taps inside the padded input: middle times last
}

// A window in a page.
struct Window {
    base: i32,    // where the row of its first tap inside the input begins
    at: Ints,     // that tap
    row: i32,     // taps inside the input along rows
    padded: Ints, // taps inside the padded input
}

// As in taps.wgsl, without division.
fn taps_below(start: i32, end: i32, axis: u32) -> i32 {
    let room = clamp(end - start, 0, params.window[axis] * params.dilation[axis]);
    return quotient(room + params.dilation[axis] - 1, params.dilation_factor[axis], params.dilation_shift[axis]);
}

fn last_taps_below(start: Ints, end: i32) -> Ints {
    let room = clamp(end - start, Ints(0), Ints(params.window.z * params.dilation.z)) + params.dilation.z - 1;
    return Ints((Uints(room) * params.dilation_factor.z) >> Uints(params.dilation_shift.z));
}

fn place_of(local: u32) -> Place {
    let position = quotient(i32(local), params.out_factor.w, params.out_shift.w);
    let before = quotient(position, params.out_factor.z, params.out_shift.z);
    let row = quotient(before, params.out_factor.y, params.out_shift.y);
    let inner = i32(local) - position * params.out_size.w;
    let last = from_first(position - before * params.out_size.z) * params.stride.z - params.pad_before.z;
    let middle = (before - row * params.out_size.y) * params.stride.y - params.pad_before.y;

    var place: Place;
    place.local = local;
    place.row = row;
    place.inner = inner;
    let first_middle = taps_below(middle, 0, 1u);
    let first_last = last_taps_below(last, 0);
    place.row_at = inner + middle * params.in_stride.y + first_middle * params.tap_step.y;
    place.at = place.row_at + last * params.in_stride.z + first_last * params.tap_step.z;
    place.column = first_column(last);
    place.middle = max(taps_below(middle, params.in_size.y, 1u) - first_middle, 0);
    place.last = max(last_taps_below(last, params.in_size.z) - first_last, Ints(0));
    place.padded = taps_below(middle, params.padded_end.y, 1u) * last_taps_below(last, params.padded_end.z);
    return place;
}

fn window_of(place: Place, chunk: Chunk) -> Window {
    let row = chunk.row + place.row;
    let plane = quotient(row, params.out_factor.x, params.out_shift.x);
    let begin = (row - plane * params.out_size.x) * params.stride.x - params.pad_before.x;
    let first = taps_below(begin, 0, 0u);
    var window: Window;
    window.base =
        chunk.base + plane * params.in_stride.w + begin * params.in_stride.x + first * params.tap_step.x;
    window.at = place.at + window.base;
    let rows = max(taps_below(begin, params.in_size.x, 0u) - first, 0);
    // Behind the chunk there is nothing to load.
    window.row = select(0, rows, place.local < chunk.count);
    window.padded = place.padded * taps_below(begin, params.padded_end.x, 0u);
    return window;
}
