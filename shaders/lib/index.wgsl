// The number of an invocation in a grid that was folded because it had more workgroups than one dimension allows.
override WORKGROUP: u32 = 64u;

fn workgroup_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return (group.z * groups.y + group.y) * groups.x + group.x;
}

fn invocation_number(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return workgroup_number(group, groups) * WORKGROUP + local;
}
