// Parts of sums stay in 32 bits.
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

fn store(at: u32, value: f32) {
    output[at] = value;
}
