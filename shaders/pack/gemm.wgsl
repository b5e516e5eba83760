// Weights in the order in which conv/gemm.wgsl reads them: for each group and tile of output channels, row by row,
// the tile's channels after each other; 0 behind the last channel. Four channels an invocation.

@group(0) @binding(0) var<uniform> params: PackGemmParams;
@group(0) @binding(1) var<storage, read> kernel: array<Word>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<Word>>;

fn compute(number: u32) {
    let quads = params.tile / 4u;
    let quad = number % quads;
    let row = number / quads % params.rows;
    let tile = number / quads / params.rows;
    let channel = tile % params.tiles * params.tile + quad * 4u;
    var rest = row;
    var at = tile / params.tiles * params.group_out * params.tap_out;
    for (var digit = 0u; digit < 4u; digit++) {
        at += rest % params.length[digit] * params.stride[digit];
        rest /= params.length[digit];
    }
    packed[number] = vec4<Word>(
        weight(at, channel),
        weight(at, channel + 1u),
        weight(at, channel + 2u),
        weight(at, channel + 3u),
    );
}

fn weight(at: u32, channel: u32) -> Word {
    if (channel >= params.group_out) {
        return Word();
    }
    return kernel[at + channel * params.tap_out];
}
