
@group(0) @binding(1 + PAGE) var<uniform> page_PAGE: array<vec4<f32>, 4096>;

fn load_PAGE(at: i32) -> f32 {
    return page_PAGE[u32(at) >> 2u][u32(at) & 3u];
}

fn maximum_PAGE(place: Place, window: Window) -> f32 {
    var largest = Largest(0u, 0.0);
    for (var r = window.row - 1; r >= 0; r--) {
        for (var m = place.middle - 1; m >= 0; m--) {
            let row = window.at + r * params.tap_step.x + m * params.tap_step.y;
            for (var w = place.last - 1; w >= 0; w--) {
                take(&largest, load_PAGE(row + w * params.tap_step.z));
            }
        }
    }
    return maximum_of(largest);
}

fn sum_PAGE(place: Place, window: Window) -> f32 {
    var sum = Sum();
    for (var r = 0; r < window.row; r++) {
        for (var m = 0; m < place.middle; m++) {
            let row = window.at + r * params.tap_step.x + m * params.tap_step.y;
            for (var w = 0; w < place.last; w++) {
                add(&sum, load_PAGE(row + w * params.tap_step.z));
            }
        }
    }
    return result(sum);
}

fn pool_PAGE(place: Place) {
    let numbers = params.chunks[PAGE];
    let chunk = Chunk(numbers.x, numbers.y, bitcast<i32>(numbers.z), bitcast<i32>(numbers.w));
    let window = window_of(place, chunk);
    var value: f32;
    if (REDUCE == MAX) {
        value = maximum_PAGE(place, window);
    } else {
        value = mean(sum_PAGE(place, window), place, window);
    }
    if (place.local < chunk.count) {
        output[chunk.first + place.local] = value;
    }
}
