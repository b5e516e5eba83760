// Windows added up to images: an element of an image an invocation, which gathers the taps that lie there.

@group(0) @binding(0) var<uniform> params: Col2ImParams;
@group(0) @binding(1) var<storage, read> columns: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

fn compute(number: u32) {
    let image = params.image;
    var rest = number;
    var position: vec3<u32>;
    position.z = rest % image.z;
    rest /= image.z;
    position.y = rest % image.y;
    rest /= image.y;
    position.x = rest % image.x;
    let plane = rest / image.x;
    let reach = position + vec3<u32>(params.pad_before.xyz);
    let taps = taps_on(reach, params.windows.xyz);
    var sum = Sum();
    for (var d = taps.first.x; d < taps.end.x; d += params.tap_step.x) {
        for (var h = taps.first.y; h < taps.end.y; h += params.tap_step.y) {
            for (var w = taps.first.z; w < taps.end.z; w += params.tap_step.z) {
                let start = reach - vec3<u32>(d, h, w) * params.dilation.xyz;
                let at = start / params.stride.xyz;
                let tap = ((plane * params.window.x + d) * params.window.y + h) * params.window.z + w;
                let row = (tap * params.windows.x + at.x) * params.windows.y + at.y;
                add(&sum, unpack(columns[row * params.windows.z + at.z], 0u));
            }
        }
    }
    output[number] = pack(vec4<f32>(result(sum)));
}
