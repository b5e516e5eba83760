// Softmax of long rows: one workgroup a row, its invocations side by side.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = workgroup_number(group, groups);
    // A workgroup without work goes through the last row and stores nothing: barriers want all invocations.
    let base = base_of(min(number, params.rows - 1u));
    var largest = params.lowest;
    for (var i = local; i < params.length; i += WORKGROUP) {
        largest = larger(largest, element(base + i * params.inner));
    }
    largest = fold(largest, beside(local), true);
    // A row of minus infinities, or with plus infinity in it, has no softmax.
    let hopeless = is_special(largest);
    var sum = Sum();
    for (var i = local; i < params.length; i += WORKGROUP) {
        add(&sum, exp(element(base + i * params.inner) - largest));
    }
    let total = fold(result(sum), beside(local), false);
    if (number >= params.rows) {
        return;
    }
    for (var i = local; i < params.length; i += WORKGROUP) {
        let at = base + i * params.inner;
        var value = exp(element(at) - largest) / total;
        if (hopeless) {
            value = bitcast<f32>(params.nan);
        }
        output[at] = pack(vec4<f32>(value));
    }
}
