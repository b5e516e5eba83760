
fn pool_PAGE(place: Place) {
    let chunk = params.chunks[PAGE];
    let window = window_of(place, chunk);
    var value: Floats;
    if (REDUCE == MAX) {
        value = maximum_of(largest_PAGE(place, window));
    } else {
        value = mean(sum_PAGE(place, window), place, window);
    }
    if (place.local < chunk.count) {
        output[chunk.first + place.local] = value;
    }
}
