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
