// What both softmax kernels bind.

struct SoftmaxParams {
    rows: u32,
    length: u32, // elements of a row
    inner: u32,  // distance between them
    lowest: f32, // minus infinity
    nan: u32,    // the bits of NaN, which no constant may hold
    pad_0: u32,
    pad_1: u32,
    pad_2: u32,
}

@group(0) @binding(0) var<uniform> params: SoftmaxParams;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// The first element of a row.
fn base_of(row: u32) -> u32 {
    return row / params.inner * params.length * params.inner + row % params.inner;
}
