// Transposed convolution by gathering: one output position and four output channels of a group an invocation. The
// sizes are those of the convolution whose adjoint this is: `in_size` is this kernel's output, `out_size` its input.

fn compute(number: u32) {
    let p = place(number, params.in_size.xyz);
    let group_in = params.in_size.w;
    let first_channel = p.channel_group * group_in;
    let image = p.n * params.in_batch + first_channel * params.in_stride.w;
    // The kernel numbers output channels inside their group and input channels through all groups.
    let column = (p.channel - p.channel_group * params.out_size.w) * params.tap_out + first_channel * params.tap_stride.w;
    let reach = p.position + vec3<u32>(params.pad_before.xyz);
    let taps = taps_on(reach, params.out_size.xyz);
    let channels = end_of_channels(taps.first, taps.end);
    var sums = Sums();
    for (var d = taps.first.x; d < taps.end.x; d += params.tap_step.x) {
        for (var h = taps.first.y; h < taps.end.y; h += params.tap_step.y) {
            for (var w = taps.first.z; w < taps.end.z; w += params.tap_step.z) {
                let tap = vec3<u32>(d, h, w);
                let at = (reach - tap * params.dilation.xyz) / params.stride.xyz;
                let x_at = image + dot(at, params.in_stride.xyz);
                add_tap(&sums, x_at, column + dot(tap, params.tap_stride.xyz), channels);
            }
        }
    }
    store4(p, activate4(p, accumulated(p, with_bias(p, result4(sums)))));
}
