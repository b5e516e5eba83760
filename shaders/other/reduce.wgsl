// Axes made one value: an invocation, some of a workgroup, or all of it go through the elements of an output.

override KIND: u32 = 0u;
const MEAN: u32 = 1u;
const MAX: u32 = 2u;
const MIN: u32 = 3u;
const PROD: u32 = 4u;
const L1: u32 = 5u;
const L2: u32 = 6u;
const SUM_SQUARE: u32 = 7u;
const LOG_SUM: u32 = 8u;
const LOG_SUM_EXP: u32 = 9u;
// Whether more than one axis is reduced.
override SEVERAL: bool = false;

@group(0) @binding(0) var<uniform> params: ReduceParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

// Where an element of up to four axes lies, of which the last comes first.
fn place_of(number: u32, length: vec4<u32>, stride: vec4<u32>) -> u32 {
    let second = number / length.x;
    let third = second / length.y;
    let fourth = third / length.z;
    let at = vec4<u32>(number % length.x, second % length.y, third % length.z, fourth);
    return dot(at, stride);
}

fn load(base: u32, i: u32) -> f32 {
    var at = i * params.stride.x;
    if (SEVERAL) {
        at = place_of(i, params.length, params.stride);
    }
    return unpack(input[base + at], 0u);
}

// The logarithm of what is not negative; WGSL leaves others open.
fn logarithm(sum: f32) -> f32 {
    if (is_zero(sum)) {
        return params.lowest;
    }
    if (sum < 0.0) {
        return bitcast<f32>(params.nan);
    }
    return select(log(sum), sum, is_special(sum));
}

// A product as a number from 1 to 2, a power of two, and what else there is, so that no part of it leaves the range.
struct Product {
    number: f32,
    power: i32,
    marks: u32,
}

const NEGATIVE: u32 = 1u;
const ZERO: u32 = 2u;
const INFINITE: u32 = 4u;
const NOT_A_NUMBER: u32 = 8u;

fn product_of(a: Product, b: Product) -> Product {
    let number = a.number * b.number;
    let is_large = number >= 2.0;
    let marks = ((a.marks ^ b.marks) & NEGATIVE) | ((a.marks | b.marks) & ~NEGATIVE);
    return Product(select(number, number * 0.5, is_large), a.power + b.power + i32(is_large), marks);
}

fn factor_of(value: f32) -> Product {
    var bits = bitcast<u32>(value) & 0x7fffffffu;
    let negative = bitcast<u32>(value) >> 31u;
    if (bits == 0u) {
        return Product(1.0, 0, negative | ZERO);
    }
    if (bits >= 0x7f800000u) {
        return Product(1.0, 0, negative | select(NOT_A_NUMBER, INFINITE, bits == 0x7f800000u));
    }
    var power = -127;
    if (bits < 0x00800000u) {
        // A subnormal number is a whole number of the smallest.
        bits = bitcast<u32>(f32(bits));
        power = -127 - 149;
    }
    power += i32(bits >> 23u);
    return Product(bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u), power, negative);
}

fn power_of_two(power: i32) -> f32 {
    return bitcast<f32>(u32(power + 127) << 23u);
}

fn value_of(product: Product) -> f32 {
    let sign = select(1.0, -1.0, (product.marks & NEGATIVE) != 0u);
    let marks = product.marks & ~NEGATIVE;
    if (marks == ZERO) {
        return sign * 0.0;
    }
    if (marks == INFINITE) {
        return -sign * params.lowest;
    }
    if (marks != 0u) {
        return bitcast<f32>(params.nan);
    }
    let power = clamp(product.power, -200, 200);
    let half = power / 2;
    return sign * product.number * power_of_two(half) * power_of_two(power - half);
}

var<workgroup> shared_power: array<i32, WORKGROUP>;
var<workgroup> shared_marks: array<u32, WORKGROUP>;

fn shared_product(at: u32) -> Product {
    return Product(shared_values[at], shared_power[at], shared_marks[at]);
}

fn share_product(at: u32, product: Product) {
    shared_values[at] = product.number;
    shared_power[at] = product.power;
    shared_marks[at] = product.marks;
}

fn product(base: u32, share: Share) -> f32 {
    var all = Product(1.0, 0, 0u);
    for (var i = share.number; i < params.count; i += SHARE) {
        all = product_of(all, factor_of(load(base, i)));
    }
    let own = share.first + share.number * share.step;
    share_product(own, all);
    for (var half = SHARE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (share.number < half) {
            share_product(own, product_of(shared_product(own), shared_product(own + half * share.step)));
        }
    }
    workgroupBarrier();
    return value_of(shared_product(share.first));
}

fn extreme(base: u32, share: Share) -> f32 {
    var largest = params.lowest;
    for (var i = share.number; i < params.count; i += SHARE) {
        let value = load(base, i);
        largest = larger(largest, select(value, -value, KIND == MIN));
    }
    largest = fold(largest, share, true);
    return select(largest, -largest, KIND == MIN);
}

fn magnitude(base: u32, share: Share) -> f32 {
    var largest = 0.0;
    for (var i = share.number; i < params.count; i += SHARE) {
        largest = larger(largest, abs(load(base, i)));
    }
    return fold(largest, share, true);
}

fn term(value: f32, scale: f32) -> f32 {
    if (KIND == L1) {
        return abs(value);
    }
    if (KIND == L2) {
        return lp_term(abs(value), scale, 2.0);
    }
    if (KIND == SUM_SQUARE) {
        return value * value;
    }
    if (KIND == LOG_SUM_EXP) {
        return exp(value - scale);
    }
    return value;
}

fn reduced(base: u32, share: Share) -> f32 {
    if (KIND == PROD) {
        return product(base, share);
    }
    if (KIND == MAX || KIND == MIN) {
        return extreme(base, share);
    }
    var scale = 1.0;
    if (KIND == L2) {
        scale = magnitude(base, share);
    }
    if (KIND == LOG_SUM_EXP) {
        scale = extreme(base, share);
    }
    var sum = Sum();
    for (var i = share.number; i < params.count; i += SHARE) {
        add(&sum, term(load(base, i), scale));
    }
    let total = fold(result(sum), share, false);
    if (KIND == MEAN) {
        return average_of(total, f32(params.count));
    }
    if (KIND == L2) {
        return lp_root(total, scale, 2.0, 0.5);
    }
    if (KIND == LOG_SUM) {
        return logarithm(total);
    }
    if (KIND == LOG_SUM_EXP) {
        // An infinity or NaN is the result itself.
        return select(scale + logarithm(total), scale, is_special(scale));
    }
    return total;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Neighbours read neighbours in memory: of one output, or of as many outputs.
    var share = beside(local);
    if (params.stride.x != 1u) {
        share = across(local);
    }
    let number = workgroup_number(group, groups) * (WORKGROUP / SHARE) + share.task;
    // Every invocation goes through the same barriers, also for outputs that are not there.
    let base = place_of(min(number, params.total - 1u), params.kept_length, params.kept_stride);
    let value = reduced(base, share);
    if (share.number == 0u && number < params.total) {
        output[number] = pack(vec4<f32>(value));
    }
}
