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
