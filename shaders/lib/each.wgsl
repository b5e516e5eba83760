// An invocation for each number below `params.total`; what it computes is the kernel's own `compute`.
@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number < params.total) {
        compute(number);
    }
}

