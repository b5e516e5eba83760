// The windows that have a tap on a position, where they slide: taps there are `tap_step` apart, and their windows equally far.
fn windows_on(position: vec3<u32>) -> Windows {
    let reach = position + vec3<u32>(params.pad_before.xyz);
    let taps = taps_on(reach, params.out_size.xyz);
    let none = taps.first >= taps.end;
    let step = params.dilation.xyz / params.gcd.xyz;
    let last = (reach - taps.first * params.dilation.xyz) / params.stride.xyz;
    let others = (taps.end - vec3<u32>(1u) - taps.first) / params.tap_step.xyz;
    let first = select(last - others * step, vec3<u32>(1u), none);
    return Windows(first, select(last + vec3<u32>(1u), vec3<u32>(), none), step);
}

// The taps of a window.
fn taps_in(window: vec3<u32>) -> Taps {
    let start = vec3<i32>(window * params.stride.xyz) - params.pad_before.xyz;
    return taps_of(start, params.in_size.xyz, params.padded_end.xyz, params.dilation.xyz, params.window.xyz);
}
