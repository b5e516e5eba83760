
@group(0) @binding(1 + PAGE) var<uniform> page_PAGE: array<vec4<f32>, 4096>;

fn load_PAGE(at: Ints) -> Floats {
    let word = Uints(at) >> Uints(2u);
    let lane = Uints(at) & Uints(3u);
    return page_PAGE[word][lane];
}
