// Fractional max pooling: one output element an invocation. Windows start where the plane's random samples put them.

@group(0) @binding(0) var<uniform> params: FractionalParams;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> samples: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// Where the window of output `o` begins along an axis.
fn start_of(axis: u32, o: u32, plane: u32) -> u32 {
    let sample = samples[plane * params.window.w + params.sample[axis]];
    let last = params.in_size[axis] - params.window[axis];
    if (o + 1u == params.out_size[axis]) {
        return last;
    }
    let alpha = params.alpha[axis];
    let at = u32((f32(o) + sample) * alpha);
    return min(at - u32(sample * alpha), last);
}

fn compute(number: u32) {
    let e = element_of(number, params.out_size.xyz, params.in_size.w);
    let plane = e.image * params.in_size.w + e.channel;
    let start = vec3<u32>(
        start_of(0u, e.position.x, plane),
        start_of(1u, e.position.y, plane),
        start_of(2u, e.position.z, plane),
    );
    let base = e.image * params.in_batch + e.channel * params.in_stride.w;
    var best = params.identity;
    var index = -1;
    for (var d = 0u; d < params.window.x; d++) {
        for (var h = 0u; h < params.window.y; h++) {
            for (var w = 0u; w < params.window.z; w++) {
                let at = start + vec3<u32>(d, h, w);
                let value = input[base + dot(at, params.in_stride.xyz)];
                if (index < 0 || is_nan(value) || (!is_nan(best) && exceeds(value, best))) {
                    best = value;
                    index = i32(dot(at, params.index_step.xyz) + plane * params.index_step.w);
                }
            }
        }
    }
    output[number] = best;
    store_index(number, index);
}
