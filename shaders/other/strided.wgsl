// Elements, or vectors of them, from where strides say. Where a word holds several, an invocation makes a word of them, or where
// others write to that word too, puts one of them into it.

// What stands outside of an axis.
const CONSTANT: u32 = 1u;
const REFLECT: u32 = 2u;
const EDGE: u32 = 3u;
override OUTSIDE: u32 = 0u;
// Elements of a word.
override LANES: u32 = 1u;
override AXES: u32 = 8u;
// Whether elements go elsewhere than one behind the other.
override SCATTERED: bool = false;

@group(0) @binding(0) var<uniform> params: StridedParams;
@group(0) @binding(1) var<storage, read> input: array<Unit>;

fn mask() -> Unit {
    return Unit(0xffffffffu >> (32u - 32u / LANES));
}

fn shift_of(element: u32) -> u32 {
    return element % LANES * (32u / LANES);
}

// Where element i of an axis lies; -1 where the constant stands.
fn position_of(i: i32, length: i32) -> i32 {
    if (i >= 0 && i < length) {
        return i;
    }
    if (OUTSIDE == CONSTANT) {
        return -1;
    }
    if (OUTSIDE == REFLECT) {
        return length - 1 - abs(length - 1 - abs(i));
    }
    if (OUTSIDE == EDGE) {
        return clamp(i, 0, length - 1);
    }
    // OpenGL leaves the remainder of a negative number undefined: elements before the first are counted backwards from there.
    let rest = i32(u32(select(i, -1 - i, i < 0)) % u32(length));
    return select(rest, length - 1 - rest, i < 0);
}

fn fetch(number: u32) -> Unit {
    var rest = number;
    var at = params.offset;
    var is_inside = true;
    // From the last axis: length, stride, elements before the first position, positions.
    for (var i = 0u; i < AXES; i++) {
        let axis = params.axes[i];
        var position = rest % axis.x;
        rest /= axis.x;
        if (OUTSIDE != 0u) {
            let found = position_of(i32(position) - i32(axis.z), i32(axis.w));
            is_inside = is_inside && found >= 0;
            position = u32(found);
        }
        at += position * axis.y;
    }
    if (!is_inside) {
        return Unit(params.constant) & mask();
    }
    return (input[at / LANES] >> Unit(shift_of(at))) & mask();
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (SCATTERED) {
        if (number < params.total) {
            let to = params.to + number / params.run * params.pitch + number % params.run;
            store(to, fetch(number));
        }
        return;
    }
    // Counted in words: numbers times lanes may not fit 32 bits.
    if (number >= (params.total - 1u) / LANES + 1u) {
        return;
    }
    var word = fetch(number * LANES);
    for (var lane = 1u; lane < LANES; lane++) {
        let element = number * LANES + lane;
        if (element < params.total) {
            word |= fetch(element) << Unit(shift_of(lane));
        }
    }
    store(number, word);
}
