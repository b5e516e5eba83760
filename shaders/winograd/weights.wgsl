// Weights of Winograd's algorithm, G g G^T, in the order in which conv/gemm.wgsl reads them: for each point, group and
// tile of output channels, input channel by input channel, the tile's channels after each other; 0 behind the last.
// Four output channels at an input channel an invocation.

@group(0) @binding(1) var<storage, read> kernel: array<Word>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;

struct Place {
    begin: u32, // of the first tap in the kernel
    there: u32, // how many of the four channels there are
    to: u32,    // of the first point
    step: u32,  // from point to point
}

fn compute(number: u32) {
    let quad = number % params.quads;
    let row = number / params.quads % params.in_size.z;
    let tile = number / params.quads / params.in_size.z;
    let channel = tile % params.channel_tiles * params.quads * 4u + quad * 4u;
    let first = tile / params.channel_tiles * params.out_size.z + channel;
    var place: Place;
    place.begin = first * params.tap_stride.w + row * params.tap_stride.z;
    place.there = params.out_size.z - min(channel, params.out_size.z);
    place.to = number;
    place.step = params.total;
    //: weights
}

fn load(place: Place, i: u32, j: u32) -> vec4<f32> {
    let at = place.begin + i * params.tap_stride.x + j * params.tap_stride.y;
    return vec4<f32>(weight(place, at, 0u), weight(place, at, 1u), weight(place, at, 2u), weight(place, at, 3u));
}

fn weight(place: Place, at: u32, channel: u32) -> f32 {
    if (channel >= place.there) {
        return 0.0;
    }
    return unpack(kernel[at + channel * params.tap_stride.w], 0u);
}

fn store(place: Place, point: u32, value: vec4<f32>) {
    packed[place.to + point * place.step] = value;
}
