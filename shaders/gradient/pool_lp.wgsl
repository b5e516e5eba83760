// Of an Lp norm: the gradients of windows, times the element's share of the norm to the power of p - 1.

// p where it is 1, 2 or 3, else 0.
override WHOLE: u32 = 0u;

@group(0) @binding(2) var<storage, read> input: array<Word>;
@group(0) @binding(3) var<storage, read> norms: array<Word>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

fn own_of(number: u32, plane: u32, position: vec3<u32>) -> f32 {
    return unpack(input[number], 0u);
}

fn add_share(sum: ptr<function, Sum>, own: f32, window: vec3<u32>, at: u32) {
    let norm = abs(unpack(norms[at], 0u));
    let g = unpack(gradient[at], 0u);
    if (is_zero(own) || is_zero(norm)) {
        return;
    }
    let signed = select(g, -g, (bitcast<u32>(own) >> 31u) == 1u);
    if (WHOLE == 1u) {
        add(sum, signed);
        return;
    }
    let share = lp_ratio(abs(own), norm);
    if (WHOLE == 2u) {
        add(sum, signed * share);
    } else if (WHOLE == 3u) {
        add(sum, signed * share * share);
    } else {
        add(sum, signed * pow(share, params.power));
    }
}

fn store(number: u32, value: f32) {
    output[number] = pack(vec4<f32>(value));
}
