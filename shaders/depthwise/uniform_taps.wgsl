
fn products_PAGE(place: Place, window: Window, channel: i32) -> Floats {
    var sum = Floats(0.0);
    let taps = select(Ints(0), place.last, place.middle > 0);
    // All taps are gone through, so that neighbours share the weight; those outside the input do not count.
    let first = window.at - window.first * params.tap_step.x - place.first_last * params.tap_step.z;
    let weights = channel * params.weight_step.w;
    for (var r = 0; r < TAPS; r++) {
        let in_row = select(Ints(0), taps, r >= window.first && r < window.first + window.row);
        for (var w = 0; w < TAPS; w++) {
            let x = load_PAGE(first + (r * params.tap_step.x + w * params.tap_step.z));
            let term = x * weight(weights + r * params.weight_step.x + w * params.weight_step.z);
            let inside = (Ints(w) >= place.first_last) & (Ints(w) < place.first_last + in_row);
            sum += select(Floats(0.0), term, inside);
        }
    }
    return sum;
}
