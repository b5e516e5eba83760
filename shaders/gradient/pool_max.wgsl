// Of a maximum: the gradients of windows whose index is the element's.

@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;

fn own_of(number: u32, plane: u32, position: vec3<u32>) -> i32 {
    return i32(dot(position, params.index_step.xyz) + plane * params.index_step.w);
}

fn add_share(sum: ptr<function, Sum>, own: i32, window: vec3<u32>, at: u32) {
    if (indices[at] == own) {
        add(sum, unpack(gradient[at], 0u));
    }
}

fn store(number: u32, value: f32) {
    output[number] = pack(vec4<f32>(value));
}
