// Direct convolution: one output position and four output channels of a group an invocation.

fn compute(number: u32) {
    let p = place(number, params.out_size.xyz);
    store4(p, activate4(p, accumulated(p, convolve(p, p.position))));
}
