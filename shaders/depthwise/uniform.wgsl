// Convolution of each channel by itself, of a tensor that is read through pages, as are its kernel and bias.

override CHANNELS_LAST: bool = false;

// An invocation's outputs are of one channel.
const CHANNELS: u32 = 1u;

@group(0) @binding(7) var<uniform> kernel: array<vec4<f32>, 4096>;
@group(0) @binding(8) var<uniform> bias: array<vec4<f32>, 4096>;

fn weight(at: i32) -> f32 {
    return kernel[u32(at) >> 2u][u32(at) & 3u];
}

fn channel_of(place: Place, chunk: Chunk, window: Window) -> i32 {
    if (CHANNELS_LAST) {
        return place.inner;
    }
    let plane = chunk.plane + window.plane;
    return plane - quotient(plane, params.channels_factor, params.channels_shift) * params.channels;
}

fn bias_of(channel: i32) -> f32 {
    return select(0.0, bias[u32(channel) >> 2u][u32(channel) & 3u], params.has_bias == 1u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let place = place_of(invocation_number(group, groups, local));
    convolve_0(place);
    convolve_1(place);
    convolve_2(place);
    convolve_3(place);
    convolve_4(place);
    convolve_5(place);
}
