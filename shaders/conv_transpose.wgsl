// Transposed convolution by gathering: one output position and four output channels of a group an invocation. The
// sizes are those of the convolution whose adjoint this is: `in_size` is this kernel's output, `out_size` its input.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.total) {
        return;
    }
    let p = place(number, params.in_size.xyz);
    let group_in = params.in_size.w;
    let first_channel = p.channel_group * group_in;
    let image = p.n * params.in_batch + first_channel * params.in_stride.w;
    // The kernel numbers output channels inside their group and input channels through all groups.
    let column = (p.channel - p.channel_group * params.out_size.w) * params.tap_out + first_channel * params.tap_stride.w;
    let reach = vec3<i32>(p.position) + params.pad_before.xyz;
    var sums = Sums();
    for (var d = 0u; d < params.window.x; d++) {
        for (var h = 0u; h < params.window.y; h++) {
            for (var w = 0u; w < params.window.z; w++) {
                let tap = vec3<u32>(d, h, w);
                let reached = reach - vec3<i32>(tap * params.dilation.xyz);
                if (any(reached < vec3<i32>(0))) {
                    continue;
                }
                let at = vec3<u32>(reached) / params.stride.xyz;
                if (any(vec3<u32>(reached) != at * params.stride.xyz) || any(at >= params.out_size.xyz)) {
                    continue;
                }
                let x_at = image + dot(at, params.in_stride.xyz);
                add_tap(&sums, x_at, column + dot(tap, params.tap_stride.xyz));
            }
        }
    }
    store4(p, activate4(gone_on(p, with_bias(result4(sums), p.channel))));
}
