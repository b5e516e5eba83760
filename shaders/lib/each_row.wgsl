// A row for each invocation, or for as many as SHARE says; what they do is the kernel's own `compute`.
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
    compute(row, base_of(row), share, number < params.rows);
}
