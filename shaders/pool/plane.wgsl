// Pooling of whole planes: some invocations of a workgroup, or all, read a plane side by side, and fold it in workgroup
// memory. Also taken for windows that cover the whole input.

const MAX: u32 = 0u;
const LP: u32 = 3u;
override REDUCE: u32 = 0u;

@group(0) @binding(0) var<uniform> params: PlaneParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

fn load(at: u32) -> f32 {
    return unpack(input[at / LANES], at % LANES);
}

var<workgroup> shared_first: array<u32, WORKGROUP>;

// The maximum: where that is zero, the first zero of the plane.
fn plane_maximum(base: u32, share: Share) -> f32 {
    var best = params.identity;
    var first = params.length;
    for (var i = share.number; i < params.length; i += SHARE) {
        let value = load(base + i * params.step);
        best = larger(best, value);
        first = min(first, select(params.length, i, is_zero(value)));
    }
    let own = share.first + share.number * share.step;
    workgroupBarrier();
    shared_values[own] = best;
    shared_first[own] = first;
    for (var half = SHARE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (share.number < half) {
            let other = own + half * share.step;
            shared_values[own] = larger(shared_values[own], shared_values[other]);
            shared_first[own] = min(shared_first[own], shared_first[other]);
        }
    }
    workgroupBarrier();
    best = shared_values[share.first];
    if (is_zero(best)) {
        best = load(base + shared_first[share.first] * params.step);
    }
    return best;
}

fn plane_magnitude(base: u32, share: Share) -> f32 {
    var largest = 0.0;
    for (var i = share.number; i < params.length; i += SHARE) {
        largest = larger(largest, abs(load(base + i * params.step)));
    }
    return fold(largest, share, true);
}

fn plane_sum(base: u32, share: Share, scale: f32) -> f32 {
    var sum = Sum();
    for (var i = share.number; i < params.length; i += SHARE) {
        var value = load(base + i * params.step);
        if (REDUCE == LP) {
            value = lp_term(abs(value), scale, params.p);
        }
        add(&sum, value);
    }
    return fold(result(sum), share, false);
}

fn pool(plane: u32, share: Share) -> f32 {
    let base = plane / params.channels * params.in_batch + plane % params.channels * params.channel;
    if (REDUCE == MAX) {
        return plane_maximum(base, share);
    }
    if (REDUCE == LP) {
        let scale = plane_magnitude(base, share);
        return lp_root(plane_sum(base, share, scale), scale, params.p, params.root);
    }
    return average_of(plane_sum(base, share, 1.0), f32(params.divisor));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Neighbours read neighbours in memory: of one plane, or of as many channels, where these lie last.
    var share = beside(local);
    if (params.step != 1u) {
        share = across(local);
    }
    let word = workgroup_number(group, groups) * (WORKGROUP / SHARE) + share.task;
    var values = vec4<f32>();
    for (var lane = 0u; lane < LANES; lane++) {
        // Every invocation goes through the same barriers, also for planes that are not there.
        let plane = min(word * LANES + lane, params.total - 1u);
        values = with_lane(values, lane, pool(plane, share));
    }
    if (share.number == 0u && word * LANES < params.total) {
        output[word] = pack(values);
    }
}
