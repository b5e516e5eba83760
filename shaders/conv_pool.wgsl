// Convolution, bias, activation and pooling: one pooled position and four channels an invocation. The convolution's
// result is never stored. Taken for windows that do not overlap, so that nothing is computed twice.

const MAX: u32 = 0u;
const AVERAGE_PADDED: u32 = 2u;
override REDUCE: u32 = 0u;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let step = groups.x * groups.y * groups.z * WORKGROUP;
    let end = select(0u, params.total, needed());
    for (var number = invocation_number(group, groups, local); number < end; number += step) {
        convolve_and_pool(number);
        if (step >= end) {
            break;
        }
    }
}

fn convolve_and_pool(number: u32) {
    let p = place(number, params.pooled.xyz);
    let start = vec3<i32>(p.position * params.pool_stride.xyz) - params.pool_before.xyz;
    var first: vec3<u32>;
    var end: vec3<u32>;
    var padded = 1u;
    for (var axis = 0u; axis < 3u; axis++) {
        let dilation = params.pool_dilation[axis];
        let window = params.pool_window[axis];
        first[axis] = first_tap(start[axis], dilation, window);
        end[axis] = end_tap(start[axis], i32(params.out_size[axis]), dilation, window);
        padded *= end_tap(start[axis], params.pool_end[axis], dilation, window);
    }
    let inside = select(vec3<u32>(0u), end - first, end > first);
    var best = vec4<f32>(params.identity);
    var sums = Sums();
    for (var d = first.x; d < end.x; d++) {
        for (var h = first.y; h < end.y; h++) {
            for (var w = first.z; w < end.z; w++) {
                let at = vec3<u32>(start + vec3<i32>(vec3<u32>(d, h, w) * params.pool_dilation.xyz));
                let value = activate4(convolve(p, at));
                if (REDUCE == MAX) {
                    for (var j = 0u; j < 4u; j++) {
                        if (is_nan(value[j]) || (!is_nan(best[j]) && exceeds(value[j], best[j]))) {
                            best[j] = value[j];
                        }
                    }
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
    var count = inside.x * inside.y * inside.z;
    if (REDUCE == AVERAGE_PADDED) {
        count = padded;
    }
    if (params.pooled.w != 0u) {
        count = params.pooled.w;
    }
    let sum = sums.total + sums.block;
    store4(p, vec4<f32>(
        average_of(sum.x, count),
        average_of(sum.y, count),
        average_of(sum.z, count),
        average_of(sum.w, count),
    ));
}
