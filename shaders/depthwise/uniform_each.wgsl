
fn convolve_PAGE(place: Place) {
    let chunk = params.chunks[PAGE];
    let window = window_of(place, chunk);
    let channel = channel_of(place, chunk, window);
    let value = finished(products_PAGE(place, window, channel), channel);
    if (place.local < chunk.count) {
        output[chunk.first + place.local] = value;
    }
}
