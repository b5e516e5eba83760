// Max unpooling in three stages: forget who owns each output, let the last input of each index own it, and write.
// The stages are dispatches of their own: no stage may see a part of the one before.

override STAGE: u32 = 0u;
const CLEAR: u32 = 0u;
const OWN: u32 = 1u;

@group(0) @binding(0) var<uniform> params: UnpoolParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;
@group(0) @binding(4) var<storage, read_write> owner: array<atomic<u32>>;

// Where in the output the index of input element `element` (numbered in NCHW order) points, or -1.
fn target_of(n: u32, c: u32, index: i32) -> i32 {
    let size = params.indexed.xyz;
    let plane = size.x * size.y * size.z;
    var inside = index;
    if (params.whole == 1u) {
        inside -= i32((n * params.in_size.w + c) * plane);
    }
    if (inside < 0 || inside >= i32(plane)) {
        return -1;
    }
    let i = u32(inside);
    var at = vec3<u32>(i / size.z / size.y, i / size.z % size.y, i % size.z);
    if (params.by_columns == 1u) {
        at = vec3<u32>(i % size.x, i / size.x % size.y, i / size.x / size.y);
    }
    if (any(at >= params.out_size.xyz)) {
        return -1;
    }
    return i32(n * params.out_batch + c * params.out_stride.w + dot(at, params.out_stride.xyz));
}

// Memory position of input element `element`, numbered in NCHW order.
fn input_at(element: u32) -> vec3<u32> {
    let size = params.in_size;
    let w = element % size.z;
    let h = element / size.z % size.y;
    let d = element / size.z / size.y % size.x;
    let plane = element / size.z / size.y / size.x;
    let c = plane % size.w;
    let n = plane / size.w;
    let at = n * params.in_batch + c * params.in_stride.w + dot(vec3<u32>(d, h, w), params.in_stride.xyz);
    return vec3<u32>(at, n, c);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (STAGE == CLEAR) {
        if (number < params.outputs) {
            atomicStore(&owner[number], 0u);
        }
        return;
    }
    if (STAGE == OWN) {
        if (number < params.inputs) {
            let source = input_at(number);
            let to = target_of(source.y, source.z, indices[source.x]);
            if (to >= 0) {
                atomicMax(&owner[u32(to)], number + 1u);
            }
        }
        return;
    }
    // Counted in words: numbers times lanes may not fit 32 bits.
    if (number >= (params.outputs + LANES - 1u) / LANES) {
        return;
    }
    var values = vec4<f32>();
    for (var lane = 0u; lane < LANES; lane++) {
        let element = number * LANES + lane;
        if (element < params.outputs) {
            let source = atomicLoad(&owner[element]);
            if (source != 0u) {
                let at = input_at(source - 1u).x;
                values = with_lane(values, lane, unpack(input[at / LANES], at % LANES));
            }
        }
    }
    output[number] = pack(values);
}
