
fn store_NAME(at: u32, value: vec4<f32>) {
    NAME[at] = vec2<u32>(
        narrowed(value.x) | (narrowed(value.y) << 16u),
        narrowed(value.z) | (narrowed(value.w) << 16u),
    );
}
