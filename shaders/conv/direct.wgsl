// Direct convolution: one output position and four output channels of a group an invocation.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number < params.total) {
        let p = place(number, params.out_size.xyz);
        store4(p, activate4(p, accumulated(p, convolve(p, p.position))));
    }
}
