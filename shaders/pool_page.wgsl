
@group(0) @binding(1 + PAGE) var<uniform> page_PAGE: array<vec4<f32>, 4096>;

fn load_PAGE(at: i32) -> f32 {
    return page_PAGE[u32(at) >> 2u][u32(at) & 3u];
}

fn maximum_PAGE(base: i32, window: Window) -> f32 {
    var best = 0u;
    if (TAPS_W > 0u) {
        // Taps outside the input become taps inside it, which changes no maximum.
        let last = max(vec3<i32>(window.taps), vec3<i32>(1)) - 1;
        for (var h = 0; h < i32(TAPS_H); h++) {
            let row = base + window.at + min(h, last.y) * params.tap_step.y;
            for (var w = 0; w < i32(TAPS_W); w++) {
                best = max(best, key_of(bitcast<u32>(load_PAGE(row + min(w, last.z) * params.tap_step.z))));
            }
        }
        return of_key(select(best, 0u, any(window.taps == vec3<u32>())));
    }
    var plane = base + window.at;
    for (var d = 0u; d < window.taps.x; d++) {
        var row = plane;
        for (var h = 0u; h < window.taps.y; h++) {
            var at = row;
            for (var w = 0u; w < window.taps.z; w++) {
                best = max(best, key_of(bitcast<u32>(load_PAGE(at))));
                at += params.tap_step.z;
            }
            row += params.tap_step.y;
        }
        plane += params.tap_step.x;
    }
    return of_key(best);
}

fn sum_PAGE(base: i32, window: Window) -> f32 {
    if (TAPS_W > 0u) {
        var sum = 0.0;
        for (var h = 0u; h < TAPS_H; h++) {
            let row = base + window.at + i32(h) * params.tap_step.y;
            for (var w = 0u; w < TAPS_W; w++) {
                let inside = h < window.taps.y && w < window.taps.z && window.taps.x > 0u;
                sum += select(0.0, load_PAGE(row + i32(w) * params.tap_step.z), inside);
            }
        }
        return sum;
    }
    var sum = Sum();
    var plane = base + window.at;
    for (var d = 0u; d < window.taps.x; d++) {
        var row = plane;
        for (var h = 0u; h < window.taps.y; h++) {
            var at = row;
            for (var w = 0u; w < window.taps.z; w++) {
                add(&sum, load_PAGE(at));
                at += params.tap_step.z;
            }
            row += params.tap_step.y;
        }
        plane += params.tap_step.x;
    }
    return result(sum);
}

fn pool_PAGE(local: u32) {
    let chunk = params.chunks[PAGE];
    if (local >= chunk.count) {
        return;
    }
    let window = window_of(local, chunk.start);
    var value: f32;
    if (REDUCE == MAX) {
        value = maximum_PAGE(chunk.base, window);
    } else {
        value = mean(sum_PAGE(chunk.base, window), window);
    }
    output[chunk.first + local] = value;
}
