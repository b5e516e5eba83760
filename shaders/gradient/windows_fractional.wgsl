// The windows that may have a position, where they start at pseudo-random places: starts are within one element of multiples of
// their mean distance, but for rounding. Indices tell which of them have it.
fn windows_on(position: vec3<u32>) -> Windows {
    let windows = vec3<f32>(params.out_size.xyz);
    let slack = vec3<f32>(4.0) + vec3<f32>(params.in_size.xyz) * 0x1p-20f;
    let nearest = (vec3<f32>(position) - vec3<f32>(params.window.xyz) - slack) / params.alpha.xyz;
    let farthest = (vec3<f32>(position) + slack) / params.alpha.xyz;
    let several = params.out_size.xyz > vec3<u32>(1u);
    let more = vec3<f32>(2.0) + windows * 0x1p-20f;
    let first = select(vec3<f32>(), clamp(floor(nearest - more), vec3<f32>(), windows), several);
    let end = select(vec3<f32>(1.0), clamp(ceil(farthest + more), vec3<f32>(), windows), several);
    return Windows(vec3<u32>(first), min(vec3<u32>(end), params.out_size.xyz), vec3<u32>(1u));
}
