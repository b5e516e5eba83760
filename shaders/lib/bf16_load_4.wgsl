
fn load_NAME(at: u32) -> vec4<f32> {
    let two = NAME[at];
    return vec4<f32>(widened(two.x, 0u), widened(two.x, 1u), widened(two.y, 0u), widened(two.y, 1u));
}
