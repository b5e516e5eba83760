// Of a mean: the gradients of windows, divided by what these were divided by.

override PADDED: bool = false;

@group(0) @binding(2) var<storage, read_write> output: array<Word>;

fn own_of(number: u32, plane: u32, position: vec3<u32>) -> f32 {
    return 0.0;
}

fn add_share(sum: ptr<function, Sum>, own: f32, window: vec3<u32>, at: u32) {
    add(sum, unpack(gradient[at], 0u) / divisor_of(taps_in(window), PADDED, params.divisor));
}

fn store(number: u32, value: f32) {
    output[number] = pack(vec4<f32>(value));
}
