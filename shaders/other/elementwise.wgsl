// A formula of broadcast tensors: an output, or four neighbours, an invocation.

@group(0) @binding(0) var<uniform> params: ElementwiseParams;
//: buffers

// The result of a step. Compilers that assume finite numbers make x of (x + y) - y; what they know of sums and products
// does not go on through these bits.
fn kept(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ params.nothing);
}

// An operand that is both operands: they make 0 of x - x, and 1 of x / x.
fn again(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) | params.nothing);
}

//: formula

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
    //: places
    //: result
}

//: functions
