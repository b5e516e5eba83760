// Windows added up to images: an element of an image an invocation, which gathers the taps that lie there.

struct Col2ImParams {
    image: vec4<u32>,      // depth, height, width, 0
    windows: vec4<u32>,    // along depth, height, width, 0
    window: vec4<u32>,     // taps along depth, height, width, 0
    stride: vec4<u32>,
    dilation: vec4<u32>,
    pad_before: vec4<i32>,
    total: u32,            // elements of the images
    pad_0: u32,
    pad_1: u32,
    pad_2: u32,
}

@group(0) @binding(0) var<uniform> params: Col2ImParams;
@group(0) @binding(1) var<storage, read> columns: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.total) {
        return;
    }
    let image = params.image;
    var rest = number;
    var position: vec3<u32>;
    position.z = rest % image.z;
    rest /= image.z;
    position.y = rest % image.y;
    rest /= image.y;
    position.x = rest % image.x;
    let plane = rest / image.x;
    let reach = vec3<i32>(position) + params.pad_before.xyz;
    var sum = Sum();
    for (var d = 0u; d < params.window.x; d++) {
        for (var h = 0u; h < params.window.y; h++) {
            for (var w = 0u; w < params.window.z; w++) {
                let reached = reach - vec3<i32>(vec3<u32>(d, h, w) * params.dilation.xyz);
                if (any(reached < vec3<i32>(0))) {
                    continue;
                }
                // The window that has its tap here, if there is one.
                let at = vec3<u32>(reached) / params.stride.xyz;
                if (any(vec3<u32>(reached) != at * params.stride.xyz) || any(at >= params.windows.xyz)) {
                    continue;
                }
                let tap = ((plane * params.window.x + d) * params.window.y + h) * params.window.z + w;
                let row = (tap * params.windows.x + at.x) * params.windows.y + at.y;
                add(&sum, unpack(columns[row * params.windows.z + at.z], 0u));
            }
        }
    }
    output[number] = pack(vec4<f32>(result(sum)));
}
