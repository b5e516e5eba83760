// What both softmax kernels bind.

@group(0) @binding(0) var<uniform> params: SoftmaxParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

fn element(at: u32) -> f32 {
    return unpack(input[at], 0u);
}
