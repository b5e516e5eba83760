// Means: nothing depends on which of equal elements comes first.
fn noted(x: Values) -> Values {
    return x;
}

fn finished_of(sum: Values, base: u32, y: i32, columns: Ints) -> Floats {
    return finished(sum, y, columns);
}
