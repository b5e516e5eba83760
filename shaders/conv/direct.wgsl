// Direct convolution: one output position and four output channels of a group an invocation.

fn compute(number: u32) {
    let p = place(number, params.out_size.xyz);
    store4(p, activate4(p, with_residuals(p, accumulated(p, convolve(p, p.position)))));
}

fn with_residuals(p: Place, sums: vec4<f32>) -> vec4<f32> {
    let at = p.n * params.out_batch + dot(p.position, params.out_stride.xyz) + p.channel * params.out_stride.w;
    return vec4<f32>(
        with_residual(sums.x, at.x),
        with_residual(sums.y, at.y),
        with_residual(sums.z, at.z),
        with_residual(sums.w, at.w),
    );
}
