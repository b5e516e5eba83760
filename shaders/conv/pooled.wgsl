// Convolution, bias, activation and pooling: one pooled position and four channels an invocation. The convolution's
// result is never stored. Taken for windows that do not overlap, so that nothing is computed twice.

const MAX: u32 = 0u;
const AVERAGE_PADDED: u32 = 2u;
override REDUCE: u32 = 0u;

fn compute(number: u32) {
    let p = place(number, params.pooled.xyz);
    let start = vec3<i32>(p.position * params.pool_stride.xyz) - params.pool_before.xyz;
    let taps = taps_of(
        start,
        params.out_size.xyz,
        params.pool_end.xyz,
        params.pool_dilation.xyz,
        params.pool_window.xyz,
    );
    var best = vec4<f32>(params.identity);
    var sums = Sums();
    for (var d = taps.first.x; d < taps.end.x; d++) {
        for (var h = taps.first.y; h < taps.end.y; h++) {
            for (var w = taps.first.z; w < taps.end.z; w++) {
                let at = vec3<u32>(start + vec3<i32>(vec3<u32>(d, h, w) * params.pool_dilation.xyz));
                let value = activate4(p, convolve(p, at));
                if (REDUCE == MAX) {
                    best = vec4<f32>(
                        larger(best.x, value.x),
                        larger(best.y, value.y),
                        larger(best.z, value.z),
                        larger(best.w, value.w),
                    );
                } else {
                    add_part(&sums, value);
                }
            }
        }
    }
    if (REDUCE == MAX) {
        store4(p, best);
        return;
    }
    let count = divisor_of(taps, REDUCE == AVERAGE_PADDED, params.pooled.w);
    let sum = sums.total + sums.block;
    store4(p, vec4<f32>(
        average_of(sum.x, count),
        average_of(sum.y, count),
        average_of(sum.z, count),
        average_of(sum.w, count),
    ));
}
