// Four columns of a row, from `column` on. Those outside the input are loaded too: whatever the page holds there.
fn four_from(column: i32) -> vec4<i32> {
    return column + vec4<i32>(0, 1, 2, 3);
}

// Which of them lie inside the input.
fn inside(column: i32) -> vec4<bool> {
    return vec4<u32>(four_from(column)) < vec4<u32>(u32(params.in_size.z));
}
