// The gradient of maxima of windows that have no element in common: a window an invocation, which writes the elements from its
// start to the next window's, those ahead of the first and behind the last with them.

@group(0) @binding(0) var<uniform> params: PoolGradientParams;
@group(0) @binding(1) var<storage, read> gradient: array<Word>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;

// Where the window begins.
fn start_of(window: vec3<u32>) -> vec3<u32> {
    let start = vec3<i32>(window * params.stride.xyz) - params.pad_before.xyz;
    return min(vec3<u32>(max(start, vec3<i32>())), params.in_size.xyz);
}

fn compute(number: u32) {
    let e = element_of(number, params.out_size.xyz, params.in_size.w);
    let g = unpack(gradient[number], 0u);
    let index = indices[number];
    let plane = e.image * params.in_size.w + e.channel;
    let first = select(start_of(e.position), vec3<u32>(), e.position == vec3<u32>());
    let next = e.position + vec3<u32>(1u);
    let end = select(start_of(next), params.in_size.xyz, next == params.out_size.xyz);
    for (var d = first.x; d < end.x; d++) {
        for (var h = first.y; h < end.y; h++) {
            for (var w = first.z; w < end.z; w++) {
                let own = i32(dot(vec3<u32>(d, h, w), params.index_step.xyz) + plane * params.index_step.w);
                let position = (d * params.in_size.y + h) * params.in_size.z + w;
                let size = params.in_size.x * params.in_size.y * params.in_size.z;
                var at = plane * size + position;
                if (CHANNELS_LAST) {
                    at = (e.image * size + position) * params.in_size.w + e.channel;
                }
                output[at] = pack(vec4<f32>(select(0.0, g, index == own)));
            }
        }
    }
}
