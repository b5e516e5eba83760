
// Four columns of a row; what lies outside the input is whatever the page holds there.
fn columns_PAGE(row: i32, column: i32) -> vec4<f32> {
    let at = vec4<u32>(row + column + vec4<i32>(0, 1, 2, 3));
    return vec4<f32>(
        page_PAGE[at.x >> 2u][at.x & 3u],
        page_PAGE[at.y >> 2u][at.y & 3u],
        page_PAGE[at.z >> 2u][at.z & 3u],
        page_PAGE[at.w >> 2u][at.w & 3u],
    );
}
