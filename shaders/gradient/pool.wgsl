// The gradient of pooling: an element of the input an invocation, which goes through the windows that have it.

@group(0) @binding(0) var<uniform> params: PoolGradientParams;
@group(0) @binding(1) var<storage, read> gradient: array<Word>;

// Along each axis every `step`th window from the first on.
struct Windows {
    first: vec3<u32>,
    end: vec3<u32>,
    step: vec3<u32>,
}

fn compute(number: u32) {
    let e = element_of(number, params.in_size.xyz, params.in_size.w);
    let plane = e.image * params.in_size.w + e.channel;
    let windows = windows_on(e.position);
    let base = e.image * params.out_batch + e.channel * params.out_stride.w;
    let own = own_of(number, plane, e.position);
    var sum = Sum();
    for (var d = windows.first.x; d < windows.end.x; d += windows.step.x) {
        for (var h = windows.first.y; h < windows.end.y; h += windows.step.y) {
            for (var w = windows.first.z; w < windows.end.z; w += windows.step.z) {
                let window = vec3<u32>(d, h, w);
                add_share(&sum, own, window, base + dot(window, params.out_stride.xyz));
            }
        }
    }
    store(number, result(sum));
}
