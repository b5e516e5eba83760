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
