// A dense layer with few outputs and many inputs: one workgroup an output, its invocations side by side along the
// inputs.

@group(0) @binding(0) var<uniform> params: DenseParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> kernel: array<Word>;
@group(0) @binding(3) var<storage, read> bias: array<Word>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

var<workgroup> shared_sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = workgroup_number(group, groups);
    let total = params.rows * params.outputs;
    // A workgroup without work repeats the last element's and does not store it: barriers want all of them.
    let element = min(number, total - 1u);
    let row = element / params.outputs;
    let out = element % params.outputs;
    var sum = Sum();
    for (var i = local; i < params.features; i += WORKGROUP) {
        let x = unpack(input[row * params.features + i], 0u);
        add(&sum, x * unpack(kernel[i * params.tap_in + out * params.tap_out], 0u));
    }
    shared_sums[local] = result(sum);
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            shared_sums[local] += shared_sums[local + half];
        }
    }
    if (local == 0u && number < total) {
        var value = shared_sums[0];
        if (params.has_bias != 0u) {
            value += unpack(bias[out], 0u);
        }
        output[element] = pack(vec4<f32>(activate(value, alpha_beta_of(out))));
    }
}
