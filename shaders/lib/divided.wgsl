struct Divided {
    quotient: vec3<u32>,
    rest: vec3<u32>,
}

// Quotients and rests of a * b / c, for b < c and numbers below 2^31: bit by bit, where the products may not fit 32 bits.
fn divided(a: vec3<u32>, b: vec3<u32>, c: vec3<u32>) -> Divided {
    // `a` is no larger than `c`: it is asked for the reason that lib/place.wgsl gives.
    if (all(max(a, c) <= vec3<u32>(65535u))) {
        return Divided(a * b / c, a * b % c);
    }
    var quotient = vec3<u32>();
    var rest = vec3<u32>();
    for (var bit = 31u; bit > 0u; bit--) {
        let doubled = rest * 2u;
        let over = doubled >= c;
        let once = select(doubled, doubled - c, over);
        let with_bit = ((a >> vec3<u32>(bit - 1u)) & vec3<u32>(1u)) == vec3<u32>(1u);
        let more = once + select(vec3<u32>(), b, with_bit);
        let over_again = more >= c;
        rest = select(more, more - c, over_again);
        quotient = quotient * 2u + vec3<u32>(over) + vec3<u32>(over_again);
    }
    return Divided(quotient, rest);
}

// The first element of each window that divides an input among others, floor(o * L / O), and the end, ceil((o + 1) * L / O),
// divided first: o * L may not fit 32 bits.
fn adaptive_begin(out: vec3<u32>, length: vec3<u32>, windows: vec3<u32>) -> vec3<u32> {
    return out * (length / windows) + divided(out, length % windows, windows).quotient;
}

fn adaptive_end(out: vec3<u32>, length: vec3<u32>, windows: vec3<u32>) -> vec3<u32> {
    let next = out + vec3<u32>(1u);
    let part = divided(next, length % windows, windows);
    return next * (length / windows) + part.quotient + vec3<u32>(part.rest != vec3<u32>());
}
