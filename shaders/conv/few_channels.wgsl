//: constants
// Convolution of few channels on hardware: all output channels at some positions an invocation; pooled, where the
// positions are a window. src/kernel/conv/few_channels.rs writes its lines.

@group(0) @binding(0) var<uniform> params: ConvPatchParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4<Word>>; // input channel, tap, output channel
@group(0) @binding(3) var<storage, read> bias: array<Word>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

fn load(at: u32, there: bool) -> f32 {
    return select(0.0, f32(input[at]), there);
}

fn weights(at: u32) -> Floats {
    return Floats(kernel[at]);
}

fn bias_of(channel: u32) -> f32 {
    return select(0.0, f32(bias[min(channel, params.channels - 1u)]), params.has_bias == 1u);
}

fn activated(sum: Floats, quad: u32) -> Floats {
    let c = quad * 4u;
    let x = sum + Floats(bias_of(c), bias_of(c + 1u), bias_of(c + 2u), bias_of(c + 3u));
    return Floats(
        activate(x.x, alpha_beta_of(c)),
        activate(x.y, alpha_beta_of(c + 1u)),
        activate(x.z, alpha_beta_of(c + 2u)),
        activate(x.w, alpha_beta_of(c + 3u)),
    );
}

fn store(at: u32, value: Floats, quad: u32) {
    for (var i = 0u; i < 4u; i++) {
        let channel = quad * 4u + i;
        if (channel < params.channels) {
            output[at + channel * params.out_channel] = Word(value[i]);
        }
    }
}

fn compute(number: u32) {
    let column = number % params.patches.y;
    let strip = number / params.patches.y % params.patches.x;
    let image = number / params.patches.y / params.patches.x;
    let position = vec2<i32>(vec2<u32>(strip, column)) * params.step - params.before;
    let at = position * params.stride - params.pad_before;
    let base = image * params.in_batch;
    //: rows
    //: columns
    //: sums
    for (var c = 0u; c < params.channels_in; c++) {
        let plane = base + c * params.in_channel;
        let weight = c * (TAPS * FOURS);
        //: loads
        //: parts
        //: products
        //: additions
    }
    let to = image * params.out_batch;
    //: results
}
