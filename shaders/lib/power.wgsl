// a^b as in C. Infinite exponents are even numbers, as all large ones are.
fn power_of_both(a: f32, b: f32) -> f32 {
    let whole = is_special(b) || floor(b) == b;
    let odd = !is_special(b) && whole && floor(0.5 * b) != 0.5 * b;
    let argument = b * natural_log(abs(a));
    var size = select(exp(argument), argument, is_nan(argument));
    size = select(size, 1.0, abs(a) == 1.0 && !is_nan(b));
    size = select(size, -size, odd && bitcast<i32>(a) < 0);
    size = select(size, bitcast<f32>(params.nan), order(a) < 0 && !whole && !is_special(a));
    return select(size, 1.0, is_zero(b) || a == 1.0);
}
