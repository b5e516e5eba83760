// The taps of windows that lie on one position of what the windows slide over: where window o has its tap t there,
// o * stride + t * dilation is `reach`, the position's distance from the first window's start. Along each axis these are
// every `tap_step`th tap from the first on.

struct Reached {
    first: vec3<u32>,
    end: vec3<u32>,
}

// a * b % m, for a and b below m and m below 2^31.
fn product_modulo(a: u32, b: u32, m: u32) -> u32 {
    // Bit by bit where the product may not fit 32 bits. That also depends on `a`: where loops end by parameters alone,
    // llvmpipe of Mesa 22 keeps a shader of its own for each recording.
    var product = 0u;
    for (var bit = select(0u, 0x40000000u, m > 0x10000u && a < m); bit > 0u; bit >>= 1u) {
        product = product * 2u % m;
        product = (product + select(0u, a, (b & bit) != 0u)) % m;
    }
    return select(product, a * b % m, m <= 0x10000u);
}

fn taps_on(reach: vec3<u32>, windows: vec3<u32>) -> Reached {
    let x = taps_along(0u, reach, windows);
    let y = taps_along(1u, reach, windows);
    let z = taps_along(2u, reach, windows);
    return Reached(vec3<u32>(x.x, y.x, z.x), vec3<u32>(x.y, y.y, z.y));
}

// The first and the end along an axis.
fn taps_along(axis: u32, reach: vec3<u32>, windows: vec3<u32>) -> vec2<u32> {
    let dilation = params.dilation[axis];
    let step = params.tap_step[axis];
    let gcd = params.gcd[axis];
    // The first of all, if there were windows enough.
    let least = product_modulo(reach[axis] / gcd % step, params.inverse[axis], step);
    // Taps before these are those of windows behind the last.
    let last = (windows[axis] - 1u) * params.stride[axis];
    let before = select(0u, (reach[axis] - last + dilation - 1u) / dilation, reach[axis] > last);
    let more = select(0u, (before - least + step - 1u) / step, before > least);
    let end = min(params.window[axis], reach[axis] / dilation + 1u);
    return vec2<u32>(least + more * step, select(0u, end, reach[axis] % gcd == 0u));
}
