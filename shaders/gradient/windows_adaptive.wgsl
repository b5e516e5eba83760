// The windows that have a position, where they divide the input among them: a position's windows are what a window's elements
// would be, if there were as many positions as windows.
fn windows_on(position: vec3<u32>) -> Windows {
    let length = params.in_size.xyz;
    let windows = params.out_size.xyz;
    return Windows(
        adaptive_begin(position, windows, length),
        adaptive_end(position, windows, length),
        vec3<u32>(1u),
    );
}

// The elements of a window; none of them is padding.
fn taps_in(window: vec3<u32>) -> Taps {
    let begin = adaptive_begin(window, params.in_size.xyz, params.out_size.xyz);
    let end = adaptive_end(window, params.in_size.xyz, params.out_size.xyz);
    let inside = vec3<f32>(end - begin);
    return Taps(vec3<u32>(), end - begin, inside.x * inside.y * inside.z);
}
