
// The maximum: the first zero of the window, where keys alone do not tell which that is. Taps
// behind the last become the last, which changes no order. Loops run only where there is a -0.
fn first_of_equal_PAGE(place: Place, window: Window, largest: Largest) -> Floats {
    let searched = may_be_minus(largest);
    var value = of_key(largest.key);
    let rows = select(0, window.row, any(searched));
    let last = max(place.last - 1, Ints(0));
    for (var r = rows - 1; r >= 0; r--) {
        for (var m = place.middle - 1; m >= 0; m--) {
            let row = window.at + r * params.tap_step.x + m * params.tap_step.y;
            for (var w = most(place.last) - 1; w >= 0; w--) {
                let x = load_PAGE(row + min(Ints(w), last) * params.tap_step.z);
                value = select(value, x, are_zero(x) & searched);
            }
        }
    }
    return value;
}

fn pool_PAGE(place: Place) {
    let chunk = params.chunks[PAGE];
    let window = window_of(place, chunk);
    var value: Floats;
    if (REDUCE == MAX) {
        value = first_of_equal_PAGE(place, window, maximum_PAGE(place, window));
    } else {
        value = mean(sum_PAGE(place, window), place, window);
    }
    if (place.local < chunk.count) {
        output[chunk.first + place.local] = value;
    }
}
