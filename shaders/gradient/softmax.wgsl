// The gradient of softmax: an invocation, or a workgroup, goes through a row.

@group(0) @binding(0) var<uniform> params: SoftmaxParams;
@group(0) @binding(1) var<storage, read> gradient: array<Word>;
@group(0) @binding(2) var<storage, read> softmax: array<Word>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;

fn compute(row: u32, base: u32, share: Share, is_there: bool) {
    var sum = Sum();
    for (var i = share.number; i < params.length; i += SHARE) {
        let at = base + i * params.inner;
        add(&sum, unpack(gradient[at], 0u) * unpack(softmax[at], 0u));
    }
    let mean = fold(result(sum), share, false);
    if (!is_there) {
        return;
    }
    for (var i = share.number; i < params.length; i += SHARE) {
        let at = base + i * params.inner;
        let value = unpack(softmax[at], 0u) * (unpack(gradient[at], 0u) - mean);
        output[at] = pack(vec4<f32>(value));
    }
}
