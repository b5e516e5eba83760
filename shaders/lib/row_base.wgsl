// The first element of a row, of which neighbours are `inner` apart.
fn base_of(row: u32) -> u32 {
    return row / params.inner * params.length * params.inner + row % params.inner;
}
