// Sliding-window pooling of a tensor that is read through pages.

const MAX: u32 = 0u;
const AVERAGE_PADDED: u32 = 2u;
override REDUCE: u32 = 0u;

// Where NaN of both signs begins in the order of keys.
const INFINITY_KEY: u32 = 0xff000001u;

// A number's place in the order of all: minus infinity is 0, NaN of both signs lies above infinity.
fn key_of(bits: u32) -> u32 {
    return (bits ^ (bitcast<u32>(bitcast<i32>(bits) >> 31u) & 0x7fffffffu)) - 0x807fffffu;
}

fn of_key(key: u32) -> f32 {
    if (key > INFINITY_KEY) {
        return bitcast<f32>(params.nan);
    }
    let bits = key + 0x807fffffu;
    return bitcast<f32>(bits ^ (bitcast<u32>(bitcast<i32>(bits) >> 31u) & 0x7fffffffu));
}

fn mean(sum: f32, window: Window) -> f32 {
    var count = u32(window.row * window.middle * window.last);
    if (REDUCE == AVERAGE_PADDED) {
        count = u32(window.padded);
    }
    return average_of(sum, select(params.divisor, count, params.divisor == 0u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let place = place_of(invocation_number(group, groups, local));
    pool_0(place);
    pool_1(place);
    pool_2(place);
    pool_3(place);
    pool_4(place);
    pool_5(place);
    pool_6(place);
    pool_7(place);
}
