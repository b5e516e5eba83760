// Pooling of whole planes: one workgroup reads a plane, its invocations side by side, and folds it in workgroup
// memory. Also taken for windows that cover the whole input.

struct PlaneParams {
    length: u32,   // elements of a plane
    step: u32,     // distance between them
    channels: u32,
    channel: u32,  // distance between channels
    in_batch: u32, // elements of an image
    total: u32,    // planes
    divisor: u32,
    identity: f32,
    p: f32,
    nan: u32,
    pad_0: u32,
    pad_1: u32,
}

const MAX: u32 = 0u;
const LP: u32 = 3u;
override REDUCE: u32 = 0u;

@group(0) @binding(0) var<uniform> params: PlaneParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

fn load(at: u32) -> f32 {
    return unpack(input[at / LANES], at % LANES);
}

fn plane_maximum(base: u32, local: u32, magnitudes: bool) -> f32 {
    var best = select(params.identity, 0.0, magnitudes);
    for (var i = local; i < params.length; i += WORKGROUP) {
        let value = load(base + i * params.step);
        best = larger(best, select(value, abs(value), magnitudes));
    }
    return fold(best, local, true);
}

fn plane_sum(base: u32, local: u32, scale: f32) -> f32 {
    var sum = Sum();
    for (var i = local; i < params.length; i += WORKGROUP) {
        var value = load(base + i * params.step);
        if (REDUCE == LP) {
            value = lp_term(abs(value), scale, params.p);
        }
        add(&sum, value);
    }
    return fold(result(sum), local, false);
}

fn pool(plane: u32, local: u32) -> f32 {
    let base = plane / params.channels * params.in_batch + plane % params.channels * params.channel;
    if (REDUCE == MAX) {
        return plane_maximum(base, local, false);
    }
    if (REDUCE == LP) {
        let scale = plane_maximum(base, local, true);
        return lp_root(plane_sum(base, local, scale), scale, params.p);
    }
    return average_of(plane_sum(base, local, 1.0), params.divisor);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let word = workgroup_number(group, groups);
    var values = vec4<f32>();
    for (var lane = 0u; lane < LANES; lane++) {
        // Every invocation goes through the same barriers, also for planes that are not there.
        let plane = min(word * LANES + lane, params.total - 1u);
        values[lane] = pool(plane, local);
    }
    if (local == 0u && word * LANES < params.total) {
        output[word] = pack(values);
    }
}
