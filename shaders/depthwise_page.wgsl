
@group(0) @binding(1 + PAGE) var<uniform> page_PAGE: array<vec4<f32>, 4096>;

fn load_PAGE(at: i32) -> f32 {
    return page_PAGE[u32(at) >> 2u][u32(at) & 3u];
}

fn products_PAGE(window: Window, weights: i32) -> f32 {
    if (TAPS_LAST > 0u) {
        var sum = 0.0;
        for (var r = 0; r < i32(TAPS_ROW); r++) {
            let row = window.at + r * params.tap_step.x;
            let weight_row = weights + r * params.weight_step.x;
            for (var w = 0; w < i32(TAPS_LAST); w++) {
                let x = load_PAGE(row + w * params.tap_step.z);
                let term = x * weight(weight_row + w * params.weight_step.z);
                sum += select(0.0, term, r < window.row && w < window.last);
            }
        }
        return sum;
    }
    var sum = Sum();
    var row = window.at;
    var weight_row = weights;
    for (var r = 0; r < window.row; r++) {
        var middle = row;
        var weight_middle = weight_row;
        for (var m = 0; m < window.middle; m++) {
            var at = middle;
            var weight_at = weight_middle;
            for (var w = 0; w < window.last; w++) {
                add(&sum, load_PAGE(at) * weight(weight_at));
                at += params.tap_step.z;
                weight_at += params.weight_step.z;
            }
            middle += params.tap_step.y;
            weight_middle += params.weight_step.y;
        }
        row += params.tap_step.x;
        weight_row += params.weight_step.x;
    }
    return result(sum);
}

fn convolve_PAGE(place: Place) {
    let chunk = params.chunks[PAGE];
    let window = window_of(place, chunk);
    let channel = channel_of(place, chunk, window);
    let weights = channel * params.weight_step.w + window.first * params.weight_step.x
        + place.first_middle * params.weight_step.y + place.first_last * params.weight_step.z;
    let value = finished(products_PAGE(window, weights), channel);
    if (place.local < chunk.count) {
        output[chunk.first + place.local] = value;
    }
}
