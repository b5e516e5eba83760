// Integer convolution: one output position and four output channels of a group an invocation. Sums wrap at 32 bits.

@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4<i32>>; // as pack/integer.wgsl writes it
@group(0) @binding(3) var<storage, read> zero: array<Word>;
@group(0) @binding(4) var<storage, read_write> output: array<i32>;

fn compute(number: u32) {
    let p = place(number, params.out_size.xyz);
    let window = window_of(p.position);
    let group_in = params.in_size.w;
    let image = p.n * params.in_batch + p.channel_group * group_in * params.in_stride.w;
    let block = p.channel_group * params.blocks + p.in_group / 4u;
    let zero_point = i32(unpack(zero[0], 0u));
    let channels = end_of_channels(window.first, window.end);
    var sums = vec4<i32>();
    for (var d = window.first.x; d < window.end.x; d++) {
        for (var h = window.first.y; h < window.end.y; h++) {
            for (var w = window.first.z; w < window.end.z; w++) {
                let tap = vec3<u32>(d, h, w);
                let at = vec3<u32>(window.start + vec3<i32>(tap * params.dilation.xyz));
                var x_at = image + dot(at, params.in_stride.xyz) + params.from_channel * params.in_stride.w;
                let row = (block * params.window.x + d) * params.window.y + h;
                let first = (row * params.window.z + w) * group_in;
                for (var i = params.from_channel; i < channels; i++) {
                    sums += (i32(unpack(input[x_at / LANES], x_at % LANES)) - zero_point) * kernel[first + i];
                    x_at += params.in_stride.w;
                }
            }
        }
    }
    let at = p.n * params.out_batch + dot(p.position, params.out_stride.xyz);
    let to = at + p.channel * params.out_stride.w;
    // With the sum of the channels before, which the output holds.
    if (is_set(p, params.from_channel)) {
        sums += vec4<i32>(output[to.x], output[to.y], output[to.z], output[to.w]);
    }
    for (var j = 0u; j < min(4u, params.out_size.w - p.in_group); j++) {
        output[to[j]] = sums[j];
    }
}
