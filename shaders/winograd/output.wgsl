// Outputs of Winograd's algorithm, A^T m A, with bias, residual and activation, and the largest of each 2 by 2 where POOL. A tile
// of an output channel an invocation; neighbours have neighbouring tiles.
//
// What comes out infinite or NaN is computed again by the definition: it may come from an input outside the window, or
// from a sum on the way that is larger than any number. Nothing is missed: no sum or product with what is infinite or NaN
// is a number again, and each output has a term of every input and weight of its window.

override POOL: bool = false;

@group(0) @binding(1) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> input: array<Word>;
@group(0) @binding(3) var<storage, read> kernel: array<Word>;
@group(0) @binding(4) var<storage, read> bias: array<Word>;
@group(0) @binding(5) var<storage, read_write> output: array<Word>;

struct Place {
    begin: u32,   // of the first point
    channel: u32, // of all groups'
    image: u32,
    row: u32,     // of the tile's first output
    column: u32,
    bias: f32,
}

fn compute(number: u32) {
    let tile = number % params.tiles;
    var place: Place;
    place.begin = number;
    place.channel = number / params.tiles;
    place.image = tile / params.columns / params.rows;
    place.row = tile / params.columns % params.rows * 4u;
    place.column = tile % params.columns * 4u;
    if (params.has_bias != 0u) {
        place.bias = unpack(bias[place.channel], 0u);
    }
    //: outputs
    var wrong = row_of(place, 0u, vec4<f32>(y_0_0, y_0_1, y_0_2, y_0_3), vec4<f32>(y_1_0, y_1_1, y_1_2, y_1_3));
    wrong |= row_of(place, 2u, vec4<f32>(y_2_0, y_2_1, y_2_2, y_2_3), vec4<f32>(y_3_0, y_3_1, y_3_2, y_3_3));
    if (wrong != 0u) {
        again(place, wrong);
    }
}

fn load(place: Place, point: u32) -> f32 {
    return products[place.begin + point * params.total];
}

// What becomes of the sum at an output of the tile.
fn finished(place: Place, i: u32, j: u32, sum: f32) -> f32 {
    let row = min(place.row + i, params.stored.x - 1u);
    let column = min(place.column + j, params.stored.y - 1u);
    return activate(with_residual(sum + place.bias, stored_at(place, row, column)), alpha_beta_of(place.channel));
}

fn stored_at(place: Place, row: u32, column: u32) -> u32 {
    return place.image * params.out_stride.w + place.channel * params.out_stride.z + row * params.out_stride.x
        + column * params.out_stride.y;
}

// Two rows of the tile, from row `i` on: stores what becomes of them, and says which are not finite, a bit each.
fn row_of(place: Place, i: u32, upper: vec4<f32>, lower: vec4<f32>) -> u32 {
    let above = all_finished(place, i, upper);
    let below = all_finished(place, i + 1u, lower);
    let row = place.row + i;
    if (POOL) {
        store(place, row / 2u, place.column / 2u, larger(larger(above.x, above.y), larger(below.x, below.y)));
        store(place, row / 2u, place.column / 2u + 1u, larger(larger(above.z, above.w), larger(below.z, below.w)));
    } else {
        for (var j = 0u; j < 4u; j++) {
            store(place, row, place.column + j, above[j]);
            store(place, row + 1u, place.column + j, below[j]);
        }
    }
    return (special(upper) + 16u * special(lower)) << (4u * i);
}

fn all_finished(place: Place, i: u32, sums: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        finished(place, i, 0u, sums.x),
        finished(place, i, 1u, sums.y),
        finished(place, i, 2u, sums.z),
        finished(place, i, 3u, sums.w),
    );
}

// Which of them are not finite, a bit each.
fn special(sums: vec4<f32>) -> u32 {
    return u32(is_special(sums.x)) + 2u * u32(is_special(sums.y)) + 4u * u32(is_special(sums.z))
        + 8u * u32(is_special(sums.w));
}

fn store(place: Place, row: u32, column: u32, value: f32) {
    if (row < params.stored.x && column < params.stored.y) {
        output[stored_at(place, row, column)] = pack(vec4<f32>(value));
    }
}

// Computes by the definition what is marked, and the windows of pooling that have it.
fn again(place: Place, wrong: u32) {
    for (var item = 0u; item < 16u; item++) {
        if (POOL) {
            let row = item / 2u * 2u;
            let column = item % 2u * 2u;
            if (item < 4u && (wrong & (51u << (4u * row + column))) != 0u) {
                var best = exact(place, row, column);
                for (var other = 1u; other < 4u; other++) {
                    best = larger(best, exact(place, row + other / 2u, column + other % 2u));
                }
                store(place, place.row / 2u + item / 2u, place.column / 2u + item % 2u, best);
            }
        } else if ((wrong & (1u << item)) != 0u) {
            store(place, place.row + item / 4u, place.column + item % 4u, exact(place, item / 4u, item % 4u));
        }
    }
}

fn exact(place: Place, i: u32, j: u32) -> f32 {
    let first = vec2<i32>(vec2<u32>(place.row + i, place.column + j)) - params.pad_before.xy;
    let channel_group = place.channel / params.out_size.z;
    let base = place.image * params.in_stride.w + channel_group * params.in_size.z * params.in_stride.z;
    var sum = Sum();
    for (var tap = 0u; tap < 9u; tap++) {
        let step = vec2<u32>(tap / 3u, tap % 3u);
        let at = bitcast<vec2<u32>>(first + vec2<i32>(step));
        if (at.x < params.in_size.x && at.y < params.in_size.y) {
            let x = base + at.x * params.in_stride.x + at.y * params.in_stride.y;
            let w = place.channel * params.tap_stride.w + step.x * params.tap_stride.x + step.y * params.tap_stride.y;
            for (var c = 0u; c < params.in_size.z; c++) {
                add(&sum, unpack(input[x + c * params.in_stride.z], 0u) * unpack(kernel[w + c * params.tap_stride.z], 0u));
            }
        }
    }
    return finished(place, i, j, result(sum));
}
