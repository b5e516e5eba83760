// The taps of a window that starts at `start` whose positions lie below `end`, or at or behind 0.
fn first_tap(start: i32, dilation: u32, kernel: u32) -> u32 {
    if (start >= 0) {
        return 0u;
    }
    return min(kernel, (u32(-start) + dilation - 1u) / dilation);
}

fn end_tap(start: i32, end: i32, dilation: u32, kernel: u32) -> u32 {
    if (start >= end) {
        return 0u;
    }
    return min(kernel, (u32(end - start) + dilation - 1u) / dilation);
}

// The taps of a window along three axes.
struct Taps {
    first: vec3<u32>,
    end: vec3<u32>,
    padded: f32, // how many lie inside the padded input, which may be more than 32 bits count
}

fn taps_of(start: vec3<i32>, length: vec3<u32>, padded_end: vec3<i32>, dilation: vec3<u32>, window: vec3<u32>) -> Taps {
    var taps = Taps(vec3<u32>(), vec3<u32>(), 1.0);
    for (var axis = 0u; axis < 3u; axis++) {
        taps.first[axis] = first_tap(start[axis], dilation[axis], window[axis]);
        taps.end[axis] = end_tap(start[axis], i32(length[axis]), dilation[axis], window[axis]);
        taps.padded *= f32(end_tap(start[axis], padded_end[axis], dilation[axis], window[axis]));
    }
    return taps;
}

// How many lie inside the input.
fn count_inside(taps: Taps) -> u32 {
    let inside = select(vec3<u32>(), taps.end - taps.first, taps.end > taps.first);
    return inside.x * inside.y * inside.z;
}

// What a mean is divided by: these taps, or those inside the padded input, or what is given instead if it is not 0.
fn divisor_of(taps: Taps, with_padding: bool, given: u32) -> f32 {
    var count = f32(count_inside(taps));
    if (with_padding) {
        count = taps.padded;
    }
    if (given != 0u) {
        count = f32(given);
    }
    return count;
}
