
@group(0) @binding(1 + PAGE) var<uniform> page_PAGE: array<vec4<f32>, 4096>;

fn load_PAGE(at: Ints) -> Floats {
    let word = Uints(at) >> Uints(2u);
    let lane = Uints(at) & Uints(3u);
    return vec4<f32>(
        page_PAGE[word.x][lane.x],
        page_PAGE[word.y][lane.y],
        page_PAGE[word.z][lane.z],
        page_PAGE[word.w][lane.w],
    );
}
