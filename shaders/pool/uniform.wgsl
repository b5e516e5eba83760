// Sliding-window pooling of a tensor that is read through pages.

const MAX: u32 = 0u;
const AVERAGE_PADDED: u32 = 2u;
override REDUCE: u32 = 0u;

// As average_of in pooling.wgsl.
fn mean(sum: Floats, place: Place, window: Window) -> Floats {
    var count = Uints(window.row * place.middle * place.last);
    if (REDUCE == AVERAGE_PADDED) {
        count = Uints(window.padded);
    }
    if (params.divisor != 0u) {
        count = Uints(params.divisor);
    }
    return select(sum / Floats(count), Floats(bitcast<f32>(params.nan)), count == Uints(0u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let first = invocation_number(group, groups, local);
    //: pages
}
