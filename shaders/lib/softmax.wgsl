// What both softmax kernels bind.

@group(0) @binding(0) var<uniform> params: SoftmaxParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

// The first element of a row.
fn base_of(row: u32) -> u32 {
    return row / params.inner * params.length * params.inner + row % params.inner;
}

fn element(at: u32) -> f32 {
    return unpack(input[at], 0u);
}
