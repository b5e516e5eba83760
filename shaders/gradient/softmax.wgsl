// The gradient of softmax: an invocation, or a workgroup, goes through a row.

@group(0) @binding(0) var<uniform> params: SoftmaxParams;
@group(0) @binding(1) var<storage, read> gradient: array<Word>;
@group(0) @binding(2) var<storage, read> softmax: array<Word>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;

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
    let base = row / params.inner * params.length * params.inner + row % params.inner;
    var sum = Sum();
    for (var i = share.number; i < params.length; i += SHARE) {
        let at = base + i * params.inner;
        add(&sum, unpack(gradient[at], 0u) * unpack(softmax[at], 0u));
    }
    let mean = fold(result(sum), share, false);
    if (number >= params.rows) {
        return;
    }
    for (var i = share.number; i < params.length; i += SHARE) {
        let at = base + i * params.inner;
        let value = unpack(softmax[at], 0u) * (unpack(gradient[at], 0u) - mean);
        output[at] = pack(vec4<f32>(value));
    }
}
