@group(0) @binding(4) var<storage, read_write> output: array<Word>;

fn store(at: u32, value: f32) {
    output[at] = pack(vec4<f32>(value));
}
