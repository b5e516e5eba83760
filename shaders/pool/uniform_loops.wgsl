
fn largest_PAGE(place: Place, window: Window) -> Largest {
    var largest = nothing();
    for (var r = window.row - 1; r >= 0; r--) {
        for (var m = place.middle - 1; m >= 0; m--) {
            let row = window.at + r * params.tap_step.x + m * params.tap_step.y;
            for (var w = place.last - 1; w >= 0; w--) {
                let x = load_PAGE(row + w * params.tap_step.z);
                take(&largest, order_of(x), x);
            }
        }
    }
    return largest;
}

fn sum_PAGE(place: Place, window: Window) -> f32 {
    var sum = Sum();
    var row = window.at;
    for (var r = 0; r < window.row; r++) {
        var middle = row;
        for (var m = 0; m < place.middle; m++) {
            var at = middle;
            for (var w = 0; w < place.last; w++) {
                add(&sum, load_PAGE(at));
                at += params.tap_step.z;
            }
            middle += params.tap_step.y;
        }
        row += params.tap_step.x;
    }
    return result(sum);
}
