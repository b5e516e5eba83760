
fn maximum_PAGE(place: Place, window: Window) -> Largest {
    var largest = nothing();
    var row = window.at;
    for (var r = 0; r < window.row; r++) {
        var middle = row;
        for (var m = 0; m < place.middle; m++) {
            var at = middle;
            for (var w = 0; w < place.last; w++) {
                take(&largest, key_of(load_PAGE(at)));
                at += params.tap_step.z;
            }
            middle += params.tap_step.y;
        }
        row += params.tap_step.x;
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
