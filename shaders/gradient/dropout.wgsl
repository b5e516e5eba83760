// A mask of dropout: four elements an invocation, by Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// 2011) of the seed, the step, the mask's number and the place.

@group(0) @binding(0) var<uniform> params: DropoutParams;
@group(0) @binding(1) var<storage, read> state: array<i32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

// The upper word of a product.
fn upper(a: u32, b: u32) -> u32 {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let middle = a_high * b_low + ((a_low * b_low) >> 16u);
    let other = a_low * b_high + (middle & 0xffffu);
    return a_high * b_high + (middle >> 16u) + (other >> 16u);
}

fn philox(place: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
    var counter = place;
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        counter = vec4<u32>(
            upper(0xcd9e8d57u, counter.z) ^ counter.y ^ key.x,
            0xcd9e8d57u * counter.z,
            upper(0xd2511f53u, counter.x) ^ counter.w ^ key.y,
            0xd2511f53u * counter.x,
        );
        key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return counter;
}

fn compute(number: u32) {
    let seed = vec2<u32>(bitcast<u32>(state[0]), bitcast<u32>(state[1]));
    let words = philox(vec4<u32>(number, 0u, bitcast<u32>(state[2]), bitcast<u32>(state[3])), seed);
    let elements = select(vec4<f32>(params.kept), vec4<f32>(), words < vec4<u32>(params.dropped));
    for (var i = 0u; i < min(4u, params.elements - 4u * number); i++) {
        output[4u * number + i] = elements[i];
    }
}
