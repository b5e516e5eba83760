// What kinds of region pooling share.

@group(0) @binding(0) var<uniform> params: RoiParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> regions: array<f32>;

fn value_at(image: u32, channel: u32, row: u32, column: u32) -> f32 {
    let at = image * params.in_batch + channel * params.in_channel;
    return unpack(input[at + row * params.in_row + column * params.in_column], 0u);
}

// A coordinate in pixels. Drivers may compute a product and the subtraction behind it as one, without rounding between
// them, which would place a region and count its samples in another way than the host: a clamp, far beyond what is
// accepted as a region, keeps them apart.
fn scaled(at: f32) -> f32 {
    return clamp(at * params.scale, -4e6, 4e6);
}

// Whether loops over rows and columns would be ended by the driver before they are done. They go through one more
// column than there are to find the end.
fn too_many(rows: u32, columns: u32) -> bool {
    return rows > params.most_turns / (columns + 2u);
}
