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
    // The taps whose windows would start from the first window to the last.
    let reach = vec3<i32>(position) + params.pad_before.xyz;
    let last = vec3<i32>((params.windows.xyz - 1u) * params.stride.xyz);
    var first: vec3<u32>;
    var end: vec3<u32>;
    for (var axis = 0u; axis < 3u; axis++) {
        first[axis] = first_tap(last[axis] - reach[axis], params.dilation[axis], params.window[axis]);
        end[axis] = end_tap(-reach[axis], 1, params.dilation[axis], params.window[axis]);
    }
    var sum = Sum();
    for (var d = first.x; d < end.x; d++) {
        for (var h = first.y; h < end.y; h++) {
            for (var w = first.z; w < end.z; w++) {
                let start = vec3<u32>(reach) - vec3<u32>(d, h, w) * params.dilation.xyz;
                // The window that starts there, if there is one.
                let at = start / params.stride.xyz;
                if (any(start != at * params.stride.xyz)) {
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
