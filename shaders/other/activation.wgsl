// An activation by itself: one element an invocation.

@group(0) @binding(0) var<uniform> params: ActivationParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let at = invocation_number(group, groups, local);
    if (at < params.total) {
        let x = unpack(input[at], 0u);
        output[at] = pack(vec4<f32>(activate(x, alpha_beta_of(at / max(params.run, 1u)))));
    }
}
