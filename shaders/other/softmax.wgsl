// Softmax: one row an invocation.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = invocation_number(group, groups, local);
    if (row >= params.rows) {
        return;
    }
    let base = base_of(row);
    var largest = params.lowest;
    for (var i = 0u; i < params.length; i++) {
        let value = element(base + i * params.inner);
        if (is_nan(value) || (!is_nan(largest) && exceeds(value, largest))) {
            largest = value;
        }
    }
    // A row of minus infinities, or with plus infinity in it, has no softmax.
    let hopeless = is_special(largest);
    var sum = Sum();
    for (var i = 0u; i < params.length; i++) {
        add(&sum, exp(element(base + i * params.inner) - largest));
    }
    let total = result(sum);
    for (var i = 0u; i < params.length; i++) {
        let at = base + i * params.inner;
        var value = exp(element(at) - largest) / total;
        if (hopeless) {
            value = bitcast<f32>(params.nan);
        }
        output[at] = pack(vec4<f32>(value));
    }
}
