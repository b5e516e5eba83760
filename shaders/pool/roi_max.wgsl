// MaxRoiPool: the maximum of each bin of a region with rounded bounds.

@group(0) @binding(3) var<storage, read_write> output: array<Word>;

// The pixel of a coordinate, half away from zero, as C rounds.
fn pixel(at: f32) -> i32 {
    let x = scaled(at);
    let a = abs(x);
    let whole = floor(a);
    return i32(sign(x) * (whole + select(0.0, 1.0, a - whole >= 0.5)));
}

fn span_of(start_at: f32, end_at: f32) -> u32 {
    let start = pixel(start_at);
    return u32(max(pixel(end_at) - start + 1, 1));
}

// Elements of a region's largest bin at most.
fn longest(bins: u32, start_at: f32, end_at: f32, length: u32) -> u32 {
    return min(span_of(start_at, end_at) / bins + 2u, length);
}

// The first element and the end of bin `bin`, divided in whole numbers.
fn bin_range(bin: u32, bins: u32, start_at: f32, end_at: f32, length: u32) -> vec2<u32> {
    let start = pixel(start_at);
    let span = span_of(start_at, end_at);
    // bin * span may not fit 32 bits: divide first.
    let whole = span / bins;
    let part = span % bins;
    let first = start + i32(bin * whole + bin * part / bins);
    let end = start + i32((bin + 1u) * whole + ((bin + 1u) * part + bins - 1u) / bins);
    return vec2<u32>(clamp(vec2<i32>(first, end), vec2<i32>(0), vec2<i32>(i32(length))));
}

fn pooled(b: Bin) -> f32 {
    let at = 5u * b.region;
    let image = u32(regions[at]);
    let most_rows = longest(params.bins_h, regions[at + 2u], regions[at + 4u], params.height);
    let most_columns = longest(params.bins_w, regions[at + 1u], regions[at + 3u], params.width);
    if (too_many(most_rows, most_columns)) {
        return bitcast<f32>(params.nan);
    }
    let rows = bin_range(b.row, params.bins_h, regions[at + 2u], regions[at + 4u], params.height);
    let columns = bin_range(b.column, params.bins_w, regions[at + 1u], regions[at + 3u], params.width);
    var largest = 0.0;
    var found = false;
    // An image that is not there is read nowhere: its bins are 0.
    let end = select(rows.x, rows.y, image < params.images);
    for (var row = rows.x; row < end; row++) {
        for (var column = columns.x; column < columns.y; column++) {
            let value = value_at(image, b.channel, row, column);
            if (found) {
                largest = larger(largest, value);
            } else {
                largest = value;
            }
            found = true;
        }
    }
    return largest;
}
