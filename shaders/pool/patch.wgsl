//: constants
// Sliding-window pooling: an output tile (patch) an invocation, whose windows share what it loads.

@group(0) @binding(2) var<storage, read_write> output: array<Elements>;

fn load(at: u32, there: bool) -> Values {
    return noted(select(NOTHING, value_of(Floats(input[at])), there));
}

fn compute(number: u32) {
    let place = place_of(number);
    let base = place.plane * params.in_plane + place.inner;
    let y = place.row * params.stride.x - params.pad_before.x;
    let x = place.column * WIDE * params.stride.y - params.pad_before.y;
    let columns = columns_from(x);
    //: places
    //: windows
    //: pooled rows
    //: pooled stores
}
