// What the invocations of a workgroup hold made one value.

var<workgroup> shared_values: array<f32, WORKGROUP>;

fn larger(a: f32, b: f32) -> f32 {
    return select(a, b, is_nan(b) || (!is_nan(a) && exceeds(b, a)));
}

// Folds what the invocations hold; each of them gets the result.
fn fold(value: f32, local: u32, take_largest: bool) -> f32 {
    workgroupBarrier();
    shared_values[local] = value;
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) {
            let a = shared_values[local];
            let b = shared_values[local + half];
            if (take_largest) {
                shared_values[local] = larger(a, b);
            } else {
                shared_values[local] = a + b;
            }
        }
    }
    workgroupBarrier();
    return shared_values[0];
}
