// Cross-entropy of rows; what is summed over them is other/reduce.wgsl's.

@group(0) @binding(3) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let share = beside(local);
    let number = workgroup_number(group, groups) * (WORKGROUP / SHARE) + share.task;
    // Every invocation goes through the same barriers, also for rows that are not there.
    let row = min(number, params.rows - 1u);
    let base = base_of(row);
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
    if (share.number == 0u && number < params.rows) {
        losses[number] = loss;
    }
}
