
fn largest_PAGE(place: Place, window: Window) -> Largest {
    var largest = nothing();
    // Rows outside the input become rows inside it, which changes no maximum.
    let last_row = max(window.row - 1, 0);
    for (var r = TAPS - 1; r >= 0; r--) {
        let row = place.row_at + window.base + min(r, last_row) * params.tap_step.x;
        //: orders
    }
    largest.order = select(largest.order, vec4<u32>(0u), vec4<bool>(min(window.row, place.middle) == 0));
    return largest;
}

fn sum_PAGE(place: Place, window: Window) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    for (var r = 0; r < TAPS; r++) {
        let row = place.row_at + window.base + r * params.tap_step.x;
        let in_row = r < window.row && place.middle > 0;
        //: values
    }
    return sum;
}
