// Interpolation: an element of the output an invocation. Positions are whole numbers and fractions of 32 bits, which are computed
// with 32 more, so that they are those of exact arithmetic.

override MODE: u32 = 0u;
const NEAREST: u32 = 0u;
const CUBIC: u32 = 2u;
override AXES: u32 = 8u;
override EXCLUDE_OUTSIDE: bool = false;

@group(0) @binding(0) var<uniform> params: ResizeParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

// The upper half of a product.
fn high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let first = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}

struct Position {
    whole: i32,
    part: u32,
}

// i * scale + shift, whose words are those of the fraction, the lower one first, and that of the whole number.
fn position_of(i: u32, scale: vec4<u32>, shift: vec4<u32>) -> Position {
    let low = i * scale.x;
    let from_low = high(i, scale.x);
    var part = from_low + i * scale.y;
    let whole_scale = i * scale.z;
    var whole = high(i, scale.y) + whole_scale + u32(part < from_low);
    let carry = u32(low + shift.x < low);
    part += carry;
    whole += u32(part < carry) + shift.z;
    part += shift.y;
    whole += u32(part < shift.y);
    return Position(bitcast<i32>(whole), part);
}

// The weight of an element so far away.
fn cubic(distance: f32) -> f32 {
    let a = params.coefficient;
    let d = distance;
    if (d <= 1.0) {
        return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
    }
    return ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
}

fn weight_of(tap: u32, part: f32) -> f32 {
    if (MODE == CUBIC) {
        return cubic(abs(part + 1.0 - f32(tap)));
    }
    return select(1.0 - part, part, tap == 1u);
}

// An axis along which the element lies between others.
struct Between {
    first: i32,
    part: f32,
    stride: u32,
    last: i32,
}

fn compute(number: u32) {
    var rest = number;
    var base = 0u;
    var count = 0u;
    var between: array<Between, 4>;
    // From the last axis: length, stride, elements of the input or 0 where all lie as they do there.
    for (var i = 0u; i < AXES; i++) {
        let axis = params.axes[i];
        let index = rest % axis.x;
        rest /= axis.x;
        // Where branches depend on parameters alone, llvmpipe of Mesa 22 keeps a shader of its own for each recording; this one
        // depends on the invocation, though it is never that one.
        let length = select(axis.z, 0u, number == params.total);
        if (length == 0u) {
            base += index * axis.y;
            continue;
        }
        let position = position_of(index, params.scale[i], params.shift[i]);
        let last = i32(length) - 1;
        if (MODE == NEAREST || position.part == 0u) {
            let is_next = MODE == NEAREST && ((params.next != 0u) & (position.part >= params.next));
            base += u32(clamp(position.whole + i32(is_next), 0, last)) * axis.y;
            continue;
        }
        let first = position.whole - i32(MODE == CUBIC);
        between[count] = Between(first, f32(position.part) * 0x1p-32f, axis.y, last);
        count += 1u;
    }
    if (count == 0u) {
        output[number] = pack(vec4<f32>(unpack(input[base], 0u)));
        return;
    }
    let bits = select(1u, 2u, MODE == CUBIC);
    var sum = Sum();
    var weights = 0.0;
    for (var combination = 0u; combination < (1u << (count * bits)); combination++) {
        var at = base;
        var weight = 1.0;
        var is_inside = true;
        for (var i = 0u; i < count; i++) {
            let tap = (combination >> (i * bits)) & (2u * bits - 1u);
            let along = between[i];
            let index = along.first + i32(tap);
            is_inside = is_inside && index >= 0 && index <= along.last;
            at += u32(clamp(index, 0, along.last)) * along.stride;
            weight *= weight_of(tap, along.part);
        }
        if (!EXCLUDE_OUTSIDE || is_inside) {
            add(&sum, weight * unpack(input[at], 0u));
            weights += weight;
        }
    }
    var value = result(sum);
    if (EXCLUDE_OUTSIDE) {
        value /= weights;
    }
    output[number] = pack(vec4<f32>(value));
}
