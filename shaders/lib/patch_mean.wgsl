// Means of a patch. Rows are added up before they are added, which halves a sum's rounding.
const AVERAGE_PADDED: u32 = 2u;
override REDUCE: u32 = 1u;
alias Values = Floats;
const NOTHING: Values = Values(0.0);

fn value_of(x: Floats) -> Values {
    return x;
}

fn join(a: Values, b: Values) -> Values {
    return a + b;
}

// The taps of windows that start at `start` whose positions lie below `end`.
fn taps_below(start: Ints, end: i32, taps: i32) -> Uints {
    return Uints(clamp(Ints(end) - start, Ints(0), Ints(taps)));
}

// As average_of in pooling.wgsl.
fn finished(sum: Values, y: i32, x: Ints) -> Floats {
    let rows = taps_below(Ints(y), params.in_size.x, ROWS) - taps_below(Ints(y), 0, ROWS);
    var count = rows * (taps_below(x, params.in_size.y, COLUMNS) - taps_below(x, 0, COLUMNS));
    if (REDUCE == AVERAGE_PADDED) {
        count = taps_below(Ints(y), params.padded_end.x, ROWS) * taps_below(x, params.padded_end.y, COLUMNS);
    }
    if (params.divisor != 0u) {
        count = Uints(params.divisor);
    }
    return select(sum / Floats(count), Floats(bitcast<f32>(params.nan)), count == Uints(0u));
}
