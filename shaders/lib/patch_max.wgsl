// Maxima of a patch.
override REDUCE: u32 = 0u;
alias Values = Uints;
const NOTHING: Values = Values(0u);

fn value_of(x: Floats) -> Values {
    return key_of(x);
}

fn join(a: Values, b: Values) -> Values {
    return max(a, b);
}

fn finished(value: Values, y: i32, x: Ints) -> Floats {
    return of_key(value);
}
