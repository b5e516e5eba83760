// The index of the largest or smallest element of a row: an invocation a row, or a workgroup.

override MIN: bool = false;
override LAST: bool = false;
// Invocations that share a row.
override SHARE: u32 = 64u;

@group(0) @binding(0) var<uniform> params: ArgParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<i32>;

// The place of an element in the order, and its index.
struct Found {
    key: u32,
    index: u32,
}

// NaN is behind all numbers, no element before them; -0 and +0 are equal.
fn key_of(value: f32) -> u32 {
    let key = bitcast<u32>(order(select(value, -value, MIN))) + 0x80000000u;
    return select(key, 0xffffffffu, is_nan(value));
}

fn better(a: Found, b: Found) -> Found {
    let of_equal = (b.index > a.index) == LAST;
    if (b.key > a.key || (b.key == a.key && of_equal)) {
        return b;
    }
    return a;
}

var<workgroup> shared_key: array<u32, WORKGROUP>;
var<workgroup> shared_index: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = workgroup_number(group, groups) * (WORKGROUP / SHARE) + local / SHARE;
    // Every invocation goes through the same barriers, also for rows that are not there.
    let row = min(number, params.rows - 1u);
    let base = row / params.inner * params.length * params.inner + row % params.inner;
    let first = local % SHARE;
    var best = Found(0u, first);
    for (var i = first; i < params.length; i += SHARE) {
        best = better(best, Found(key_of(unpack(input[base + i * params.inner], 0u)), i));
    }
    for (var half = SHARE / 2u; half > 0u; half /= 2u) {
        shared_key[local] = best.key;
        shared_index[local] = best.index;
        workgroupBarrier();
        if (first < half) {
            best = better(best, Found(shared_key[local + half], shared_index[local + half]));
        }
        workgroupBarrier();
    }
    if (first == 0u && number < params.rows) {
        output[number] = i32(best.index);
    }
}
