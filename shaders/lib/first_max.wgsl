// The maximum of taps that are taken from the last to the first: of equal ones the first stays, though -0 and +0 have one
// order. So a zero's bits are kept beside the order of the largest.

// Where zeros of both signs are in the order.
const ZERO: u32 = 0x7f800000u;

// A number's place in the order: minus infinity is 0, NaN of both signs lies above infinity.
fn order_of(value: Floats) -> Uints {
    let bits = bitcast<Ints>(value);
    let negative = bits >> Uints(31u);
    return bitcast<Uints>(((bits & Ints(0x7fffffff)) ^ negative) - negative) + ZERO;
}

struct Largest {
    order: Uints,
    zero: Floats,
}

fn nothing() -> Largest {
    return Largest(Uints(0u), Floats(0.0));
}

fn take(largest: ptr<function, Largest>, order: Uints, value: Floats) {
    (*largest).order = max((*largest).order, order);
    (*largest).zero = select((*largest).zero, value, order == Uints(ZERO));
}

fn maximum_of(largest: Largest) -> Floats {
    let signed = bitcast<Ints>(largest.order - ZERO);
    let bits = abs(signed) | (signed & Ints(-0x7fffffff - 1));
    return select(bitcast<Floats>(bits), largest.zero, largest.order == Uints(ZERO));
}
