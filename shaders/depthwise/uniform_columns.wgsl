
fn products_PAGE(place: Place, window: Window, channel: i32) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    let weights = channel * params.weight_step.w;
    for (var r = 0; r < TAPS; r++) {
        let row = place.row_at + window.base + (r - window.first) * params.tap_step.x;
        let in_row = r >= window.first && r < window.first + window.row && place.middle > 0;
        let weights_at = weights + r * params.weight_step.x;
        //: products
    }
    return sum;
}
