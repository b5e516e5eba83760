// Maxima by comparing keys: one instruction for a number and a NaN alike, and subnormal numbers are kept.

// Where NaN of both signs begins in the order of keys.
const INFINITY_KEY: u32 = 0xff000001u;

// A number's place in the order of all: minus infinity is 0, NaN of both signs lies above infinity.
fn key_of(value: Floats) -> Uints {
    let bits = bitcast<Ints>(value);
    return bitcast<Uints>(bits ^ ((bits >> Uints(31u)) & Ints(0x7fffffff))) - 0x807fffffu;
}

fn of_key(key: Uints) -> Floats {
    let bits = bitcast<Ints>(key + 0x807fffffu);
    let value = bitcast<Floats>(bits ^ ((bits >> Uints(31u)) & Ints(0x7fffffff)));
    return select(value, Floats(bitcast<f32>(params.nan)), key > Uints(INFINITY_KEY));
}

// The place of -0. That of +0 comes next, though as maxima they are equal and the first met stays.
const MINUS_ZERO: u32 = 0x7f800000u;

fn are_zero(x: Floats) -> Bools {
    return (bitcast<Uints>(x) & Uints(0x7fffffffu)) == Uints(0u);
}

// The largest key so far, and whether there was a -0: `above` is how far above it the nearest key lies.
struct Largest {
    key: Uints,
    above: Uints,
}

fn nothing() -> Largest {
    return Largest(Uints(0u), Uints(1u));
}

fn take(largest: ptr<function, Largest>, key: Uints) {
    (*largest).key = max((*largest).key, key);
    (*largest).above = min((*largest).above, key - MINUS_ZERO);
}

// Where the maximum is +0, but a -0 may come before it in the window.
fn may_be_minus(largest: Largest) -> Bools {
    return (largest.key == Uints(MINUS_ZERO + 1u)) & Bools(any(largest.above == Uints(0u)));
}
