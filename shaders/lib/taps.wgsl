// The taps of a window that starts at `start` whose positions lie below `end`, or at or behind 0, along three axes.
fn first_taps(start: vec3<i32>, dilation: vec3<u32>, kernel: vec3<u32>) -> vec3<u32> {
    let before = select(vec3<u32>(), vec3<u32>(-start), start < vec3<i32>());
    return min(kernel, (before + dilation - vec3<u32>(1u)) / dilation);
}

fn end_taps(start: vec3<i32>, end: vec3<i32>, dilation: vec3<u32>, kernel: vec3<u32>) -> vec3<u32> {
    let room = select(vec3<u32>(), vec3<u32>(end - start), start < end);
    return min(kernel, (room + dilation - vec3<u32>(1u)) / dilation);
}

// The taps of a window along three axes.
struct Taps {
    first: vec3<u32>,
    end: vec3<u32>,
    padded: f32, // how many lie inside the padded input: more than 32 bits may count
}

fn taps_of(start: vec3<i32>, length: vec3<u32>, padded_end: vec3<i32>, dilation: vec3<u32>, window: vec3<u32>) -> Taps {
    let padded = vec3<f32>(end_taps(start, padded_end, dilation, window));
    return Taps(
        first_taps(start, dilation, window),
        end_taps(start, vec3<i32>(length), dilation, window),
        padded.x * padded.y * padded.z,
    );
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
