
fn largest_PAGE(place: Place, window: Window) -> Largest {
    var largest = nothing();
    // Taps outside the input become taps inside it, which changes no maximum.
    let last_row = max(window.row - 1, 0);
    let last = max(place.last - 1, Ints(0));
    for (var r = TAPS - 1; r >= 0; r--) {
        let row = window.at + min(r, last_row) * params.tap_step.x;
        for (var w = TAPS - 1; w >= 0; w--) {
            let x = load_PAGE(row + min(Ints(w), last) * params.tap_step.z);
            take(&largest, order_of(x), x);
        }
    }
    largest.order = select(largest.order, Uints(0u), place.last * min(window.row, place.middle) == Ints(0));
    return largest;
}

fn sum_PAGE(place: Place, window: Window) -> Floats {
    var sum = Floats(0.0);
    let taps = select(Ints(0), place.last, place.middle > 0);
    for (var r = 0; r < TAPS; r++) {
        let row = window.at + r * params.tap_step.x;
        let in_row = select(Ints(0), taps, r < window.row);
        for (var w = 0; w < TAPS; w++) {
            sum += select(Floats(0.0), load_PAGE(row + w * params.tap_step.z), Ints(w) < in_row);
        }
    }
    return sum;
}
