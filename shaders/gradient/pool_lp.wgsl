// Of an Lp norm: the gradients of windows, times the element's share of the norm to the power of p - 1. PyTorch's norm takes powers with
// their signs, and is as if the taps outside the input were there: it has `window / taps` of its sum.

// p where it is 1, 2 or 3, else 0.
override WHOLE: u32 = 0u;
override TORCH: bool = false;

@group(0) @binding(2) var<storage, read> input: array<Word>;
@group(0) @binding(3) var<storage, read> norms: array<Word>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

fn own_of(number: u32, plane: u32, position: vec3<u32>) -> f32 {
    return unpack(input[number], 0u);
}

fn add_share(sum: ptr<function, Sum>, own: f32, window: vec3<u32>, at: u32) {
    let norm = abs(unpack(norms[at], 0u));
    let g = unpack(gradient[at], 0u);
    var scale = 1.0;
    if (TORCH) {
        let all = vec3<f32>(params.window.xyz);
        scale = all.x * all.y * all.z / f32(count_inside(taps_in(window)));
    }
    // The sum itself, which has a slope at zero.
    if (TORCH && WHOLE == 1u) {
        add(sum, g * scale);
        return;
    }
    if (is_zero(own) || is_zero(norm)) {
        return;
    }
    let is_negative = (bitcast<u32>(own) >> 31u) == 1u;
    let is_odd = floor(params.power * 0.5) * 2.0 != params.power;
    var signed = select(g, -g, is_negative && (!TORCH || is_odd));
    if (TORCH && is_negative && floor(params.power) != params.power) {
        signed = bitcast<f32>(params.nan);
    }
    if (WHOLE == 1u) {
        add(sum, signed);
        return;
    }
    let share = lp_ratio(abs(own), norm);
    if (WHOLE == 2u) {
        add(sum, signed * share * scale);
    } else if (WHOLE == 3u) {
        add(sum, signed * share * share * scale);
    } else {
        add(sum, signed * pow(share, params.power) * scale);
    }
}

fn store(number: u32, value: f32) {
    output[number] = pack(vec4<f32>(value));
}
