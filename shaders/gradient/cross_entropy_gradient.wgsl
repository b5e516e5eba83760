// The gradient of cross-entropy by its logits.

@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

fn compute(row: u32, base: u32, share: Share, is_there: bool) {
    let largest = largest_of(base, share);
    let total = sum_of(base, share, largest);
    var sum = Sum();
    for (var i = share.number; i < params.length; i += SHARE) {
        add(&sum, target_of(row, base + i * params.inner, i));
    }
    let whole = fold(result(sum), share, false);
    if (!is_there) {
        return;
    }
    let scale = gradient[0] * params.share;
    for (var i = share.number; i < params.length; i += SHARE) {
        let at = base + i * params.inner;
        let value = (exp(logits[at] - largest) / total * whole - target_of(row, at, i)) * scale;
        // A row of minus infinities, or with plus infinity in it, has no softmax.
        output[at] = select(value, bitcast<f32>(params.nan), is_special(largest));
    }
}
