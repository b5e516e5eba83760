// What the kernels share that compute an output tile (patch) an invocation: some rows of one column, or of four neighbouring
// columns. src/kernel/patch.rs writes the lines of a patch.

@group(0) @binding(0) var<uniform> params: PatchParams;
@group(0) @binding(1) var<storage, read> input: array<Elements>;

struct Place {
    plane: u32, // an image, where channels lie last
    inner: u32, // the channel, or four of them, where they lie last
    row: i32,   // the first output row
    column: i32,
}

// Neighbours in memory go to neighbouring invocations.
fn place_of(number: u32) -> Place {
    var rest = number;
    var place: Place;
    if (CHANNELS_LAST) {
        place.inner = rest % params.inner;
        rest /= params.inner;
    }
    place.column = i32(rest % params.patches.y);
    rest /= params.patches.y;
    place.row = i32(rest % params.patches.x) * TALL;
    place.plane = rest / params.patches.x;
    return place;
}

// The place of an output row of the patch.
fn output_at(place: Place, row: i32) -> u32 {
    let position = u32(place.row + row) * params.out_row + u32(place.column) * params.inner;
    return place.plane * params.out_plane + position + place.inner;
}
