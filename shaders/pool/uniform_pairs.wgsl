
// The eight elements of a row that four windows cover, as those first and those second in their window.
fn pairs_PAGE(at: i32) -> array<vec4<f32>, 2> {
    let a = page_PAGE[u32(at) >> 2u];
    let b = page_PAGE[(u32(at) >> 2u) + 1u];
    return array<vec4<f32>, 2>(vec4<f32>(a.xz, b.xz), vec4<f32>(a.yw, b.yw));
}

fn largest_PAGE(place: Place, window: Window) -> Largest {
    var largest = nothing();
    let last_row = max(window.row - 1, 0);
    for (var r = 1; r >= 0; r--) {
        let pairs = pairs_PAGE(window.at.x + min(r, last_row) * params.tap_step.x);
        take(&largest, order_of(pairs[1]), pairs[1]);
        take(&largest, order_of(pairs[0]), pairs[0]);
    }
    largest.order = select(largest.order, vec4<u32>(0u), min(window.row, place.middle) == 0);
    return largest;
}

fn sum_PAGE(place: Place, window: Window) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    let rows = select(0, window.row, place.middle > 0);
    for (var r = 0; r < 2; r++) {
        let pairs = pairs_PAGE(window.at.x + r * params.tap_step.x);
        sum += select(vec4<f32>(0.0), pairs[0] + pairs[1], r < rows);
    }
    return sum;
}
