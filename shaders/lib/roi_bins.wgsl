// Region pooling: one output element an invocation.

struct Bin {
    region: u32,
    channel: u32,
    row: u32,
    column: u32,
}

fn bin_of(number: u32) -> Bin {
    var b: Bin;
    var rest = number;
    if (params.channels_last == 1u) {
        b.channel = rest % params.channels;
        rest /= params.channels;
    }
    b.column = rest % params.bins_w;
    rest /= params.bins_w;
    b.row = rest % params.bins_h;
    rest /= params.bins_h;
    if (params.channels_last == 0u) {
        b.channel = rest % params.channels;
        rest /= params.channels;
    }
    b.region = rest;
    return b;
}

// `pooled` is the kernel's own.
fn compute(number: u32) {
    output[number] = pack(vec4<f32>(pooled(bin_of(number))));
}
