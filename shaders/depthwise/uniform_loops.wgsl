
fn products_PAGE(place: Place, window: Window, channel: i32) -> f32 {
    var sum = Sum();
    var row = window.at;
    var weight_row = channel * params.weight_step.w + window.first * params.weight_step.x
        + place.first_middle * params.weight_step.y + place.first_last * params.weight_step.z;
    for (var r = 0; r < window.row; r++) {
        var middle = row;
        var weight_middle = weight_row;
        for (var m = 0; m < place.middle; m++) {
            var at = middle;
            var weight_at = weight_middle;
            for (var w = 0; w < place.last; w++) {
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
