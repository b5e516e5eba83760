// Pooling of whole planes: some invocations of a workgroup, or all, read a plane side by side, and fold it in workgroup
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
    root: f32,     // 1 / p
    pad_0: u32,
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

fn plane_maximum(base: u32, share: Share, magnitudes: bool) -> f32 {
    var best = select(params.identity, 0.0, magnitudes);
    for (var i = share.number; i < params.length; i += SHARE) {
        let value = load(base + i * params.step);
        best = larger(best, select(value, abs(value), magnitudes));
    }
    return fold(best, share, true);
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
        return plane_maximum(base, share, false);
    }
    if (REDUCE == LP) {
        let scale = plane_maximum(base, share, true);
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
        values[lane] = pool(plane, share);
    }
    if (share.number == 0u && word * LANES < params.total) {
        output[word] = pack(values);
    }
}
