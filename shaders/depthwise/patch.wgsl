//: constants
// Convolution of each channel by itself on hardware: a patch of outputs an invocation.

@group(0) @binding(2) var<storage, read> kernel: array<Word>;
@group(0) @binding(3) var<storage, read> bias: array<Word>;
@group(0) @binding(4) var<storage, read_write> output: array<Elements>;

// Whether a tap of each column lies inside the input. Others are left out by a select: an infinite weight times the
// padding's zero would be NaN.
fn are_inside(at: Ints, length: i32) -> Bools {
    return Uints(at) < Uints(u32(length));
}

fn load(at: u32) -> Floats {
    return Floats(input[at]);
}

fn compute(number: u32) {
    let place = place_of(number);
    let base = place.plane / params.multiplier * params.in_plane + place.inner;
    let channel = select(place.plane % params.channels, place.inner * CHANNELS, CHANNELS_LAST);
    let y = place.row * params.stride.x - params.pad_before.x;
    let x = place.column * WIDE * params.stride.y - params.pad_before.y;
    let columns = columns_from(x);
    let first_weight = channel * params.tap_out;
    //: places
    //: insides
    //: weights
    //: sums
    //: summed rows
    //: summed stores
}
