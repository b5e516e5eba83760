
@group(0) @binding(1 + PAGE) var<uniform> page_PAGE: array<vec4<f32>, 4096>;

fn load_PAGE(at: i32) -> f32 {
    return page_PAGE[u32(at) >> 2u][u32(at) & 3u];
}

fn maximum_PAGE(window: Window) -> f32 {
    var best = 0u;
    if (TAPS_LAST > 0u) {
        // Taps outside the input become taps inside it, which changes no maximum.
        let last_row = max(window.row - 1, 0);
        let last = max(window.last - 1, 0);
        for (var r = 0; r < i32(TAPS_ROW); r++) {
            let row = window.at + min(r, last_row) * params.tap_step.x;
            for (var w = 0; w < i32(TAPS_LAST); w++) {
                best = max(best, key_of(bitcast<u32>(load_PAGE(row + min(w, last) * params.tap_step.z))));
            }
        }
        return of_key(select(best, 0u, min(window.row, window.last) == 0));
    }
    var row = window.at;
    for (var r = 0; r < window.row; r++) {
        var middle = row;
        for (var m = 0; m < window.middle; m++) {
            var at = middle;
            for (var w = 0; w < window.last; w++) {
                best = max(best, key_of(bitcast<u32>(load_PAGE(at))));
                at += params.tap_step.z;
            }
            middle += params.tap_step.y;
        }
        row += params.tap_step.x;
    }
    return of_key(best);
}

fn sum_PAGE(window: Window) -> f32 {
    if (TAPS_LAST > 0u) {
        var sum = 0.0;
        for (var r = 0; r < i32(TAPS_ROW); r++) {
            let row = window.at + r * params.tap_step.x;
            for (var w = 0; w < i32(TAPS_LAST); w++) {
                sum += select(0.0, load_PAGE(row + w * params.tap_step.z), r < window.row && w < window.last);
            }
        }
        return sum;
    }
    var sum = Sum();
    var row = window.at;
    for (var r = 0; r < window.row; r++) {
        var middle = row;
        for (var m = 0; m < window.middle; m++) {
            var at = middle;
            for (var w = 0; w < window.last; w++) {
                add(&sum, load_PAGE(at));
                at += params.tap_step.z;
            }
            middle += params.tap_step.y;
        }
        row += params.tap_step.x;
    }
    return result(sum);
}

fn pool_PAGE(place: Place) {
    let chunk = params.chunks[PAGE];
    let window = window_of(place, chunk);
    var value: f32;
    if (REDUCE == MAX) {
        value = maximum_PAGE(window);
    } else {
        value = mean(sum_PAGE(window), window);
    }
    if (place.local < chunk.count) {
        output[chunk.first + place.local] = value;
    }
}
