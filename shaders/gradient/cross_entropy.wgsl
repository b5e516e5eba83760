// Cross-entropy of rows; what is summed over them is other/reduce.wgsl's.

@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

fn compute(row: u32, base: u32, share: Share, is_there: bool) {
    let largest = largest_of(base, share);
    let log_sum = natural_log(sum_of(base, share, largest));
    var sum = Sum();
    for (var i = share.number; i < params.length; i += SHARE) {
        let at = base + i * params.inner;
        let wanted = target_of(row, at, i);
        if (!is_zero(wanted)) {
            let value = wanted * (log_sum + (largest - logits[at]));
            // A row of minus infinities, or with plus infinity in it, has no softmax.
            add(&sum, select(value, bitcast<f32>(params.nan), is_special(largest)));
        }
    }
    let loss = fold(result(sum), share, false);
    if (share.number == 0u && is_there) {
        losses[row] = loss;
    }
}
