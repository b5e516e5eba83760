// Inputs of Winograd's algorithm, B^T d B: for each point and input channel all tiles after each other. A tile of a
// channel an invocation; neighbours have neighbouring tiles.

@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> transformed: array<f32>;

struct Place {
    base: u32, // of the tile's first input, which may lie in the padding
    row: i32,
    column: i32,
    to: u32,   // of the first point
    step: u32, // from point to point
}

fn compute(number: u32) {
    let channel = number / params.tiles;
    let tile = number % params.tiles;
    let image = tile / params.columns / params.rows;
    var place: Place;
    place.row = i32(tile / params.columns % params.rows * 4u) - params.pad_before.x;
    place.column = i32(tile % params.columns * 4u) - params.pad_before.y;
    // Before the input it wraps around, and back with the first element inside.
    place.base = image * params.in_stride.w + channel * params.in_stride.z
        + bitcast<u32>(place.row) * params.in_stride.x + bitcast<u32>(place.column) * params.in_stride.y;
    place.to = number;
    place.step = params.total;
    //: inputs
}

// What lies outside is 0 by choice, not by multiplication.
fn load(place: Place, i: i32, j: i32) -> f32 {
    let row = bitcast<u32>(place.row + i);
    let column = bitcast<u32>(place.column + j);
    let inside = row < params.in_size.x && column < params.in_size.y;
    let at = place.base + u32(i) * params.in_stride.x + u32(j) * params.in_stride.y;
    return select(0.0, unpack(input[select(0u, at, inside)], 0u), inside);
}

fn store(place: Place, point: u32, value: f32) {
    transformed[place.to + point * place.step] = value;
}
