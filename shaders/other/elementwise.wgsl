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

fn compute(number: u32) {
    //: places
    //: result
}

//: functions
