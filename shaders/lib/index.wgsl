// The number of an invocation in a grid that was folded because it had more workgroups than one dimension allows.
override WORKGROUP: u32 = 64u;

fn workgroup_number(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return (group.z * groups.y + group.y) * groups.x + group.x;
}

fn invocation_number(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return workgroup_number(group, groups) * WORKGROUP + local;
}

// A vector with another value in a lane. FXC takes minutes over loops that write a vector's component by its number.
fn with_lane(values: vec4<f32>, lane: u32, value: f32) -> vec4<f32> {
    return select(values, vec4<f32>(value), vec4<u32>(lane) == vec4<u32>(0u, 1u, 2u, 3u));
}
