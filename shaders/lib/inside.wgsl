fn is_inside(at: i32, length: i32) -> bool {
    return u32(at) < u32(length);
}

// What is outside is not taken, but it must be loaded from somewhere.
fn clamped(at: i32, length: i32) -> u32 {
    return u32(clamp(at, 0, length - 1));
}
