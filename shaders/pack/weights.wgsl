// Brings a convolution's weights into the order in which tiled kernels read them, as 32-bit floats: for each group, chunk
// of input channels and block of output channels [input channel][tap][output channel of the block], then the block's
// biases; zeros where the group has no more channels. One word an invocation.

@group(0) @binding(0) var<uniform> params: PackParams;
@group(0) @binding(1) var<storage, read> kernel: array<Word>;
@group(0) @binding(2) var<storage, read> bias: array<Word>;
@group(0) @binding(3) var<storage, read_write> packed: array<f32>;

fn compute(number: u32) {
    let part = number / params.stride;
    let word = number % params.stride;
    let block = part % params.blocks;
    let chunk = part / params.blocks % params.chunks;
    let channel_group = part / params.blocks / params.chunks;
    let in_group = block * params.lanes + word % params.lanes;
    let channel = channel_group * params.group_out + in_group;
    let row = word / params.lanes;
    let rows = params.chunk * params.window.w;
    var value = 0.0;
    if (in_group < params.group_out) {
        let input = chunk * params.chunk + row / params.window.w;
        if (row < rows && input < params.group_in) {
            let tap = row % params.window.w;
            let at = vec3<u32>(
                tap / (params.window.z * params.window.y),
                tap / params.window.z % params.window.y,
                tap % params.window.z,
            );
            let offset = channel * params.tap_out + input * params.tap_stride.w + dot(at, params.tap_stride.xyz);
            value = unpack(kernel[offset], 0u);
        } else if (row == rows && params.has_bias != 0u) {
            value = unpack(bias[channel], 0u);
        }
    }
    packed[number] = value;
}
