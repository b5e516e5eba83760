// Copies 16 bytes with each invocation: what a device's memory gives.

override WORKGROUP: u32 = 64u;

struct Params {
    // Vectors to copy.
    count: u32,
    // Invocations of a row of the grid.
    row: u32,
    pad_0: u32,
    pad_1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * params.row + id.x;
    if i < params.count {
        output[i] = input[i];
    }
}
