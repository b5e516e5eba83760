// Which of four columns, from `column` on, lie inside the input.
fn inside(column: i32) -> vec4<bool> {
    return vec4<u32>(column + vec4<i32>(0, 1, 2, 3)) < vec4<u32>(u32(params.in_size.z));
}
