// Of equal maxima the first stays: where keys have found +0, but a -0 was loaded too, the window is gone through for its first
// zero inside the input. Loops run only where there is a -0.

// The place of -0. That of +0 comes next, though as maxima they are equal and the first met stays.
const MINUS_ZERO: u32 = 0x7f800000u;

fn are_zero(x: Floats) -> Bools {
    return (bitcast<Uints>(x) & Uints(0x7fffffffu)) == Uints(0u);
}

// How far above -0 the nearest key lies that was loaded.
var<private> above: Uints = Uints(1u);

fn noted(key: Values) -> Values {
    above = min(above, key - MINUS_ZERO);
    return key;
}

fn finished_of(key: Values, base: u32, y: i32, columns: Ints) -> Floats {
    let searched = (key == Uints(MINUS_ZERO + 1u)) & Bools(any(above == Uints(0u)));
    var value = finished(key, y, columns);
    let rows = select(0, ROWS, any(searched));
    for (var r = rows - 1; r >= 0; r--) {
        let at_row = y + r * params.dilation.x;
        let row = base + clamped(at_row, params.in_size.x) * params.in_row;
        let there = searched & Bools(is_inside(at_row, params.in_size.x));
        for (var t = COLUMNS - 1; t >= 0; t--) {
            let at = columns + t * params.dilation.y;
            let x = element(row, clamp(at, Ints(0), Ints(params.in_size.y - 1)));
            value = select(value, x, are_zero(x) & there & (Uints(at) < Uints(u32(params.in_size.y))));
        }
    }
    return value;
}
