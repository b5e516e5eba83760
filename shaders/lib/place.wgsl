// What kernels share that compute four output channels of a group at one position.

@group(0) @binding(0) var<uniform> params: ConvParams;

// Which output an invocation computes.
struct Place {
    n: u32,
    position: vec3<u32>,
    channel_group: u32,
    in_group: u32,       // first of the four channels, in the group
    channel: vec4<u32>,  // the four channels; behind the group's last they repeat it
}

fn place(number: u32, size: vec3<u32>) -> Place {
    let e = element_of(number, size, params.groups * params.blocks);
    let block = e.channel;
    var p: Place;
    p.n = e.image;
    p.position = e.position;
    p.channel_group = block / params.blocks;
    p.in_group = block % params.blocks * 4u;
    let four = p.in_group + vec4<u32>(0u, 1u, 2u, 3u);
    p.channel = p.channel_group * params.out_size.w + min(four, vec4<u32>(params.out_size.w - 1u));
    return p;
}

// A window: its first tap, and which of its taps lie inside the input.
struct Window {
    start: vec3<i32>,
    first: vec3<u32>,
    end: vec3<u32>,
}

fn window_of(out: vec3<u32>) -> Window {
    let start = vec3<i32>(out * params.stride.xyz) - params.pad_before.xyz;
    let first = first_taps(start, params.dilation.xyz, params.window.xyz);
    let end = end_taps(start, vec3<i32>(params.in_size.xyz), params.dilation.xyz, params.window.xyz);
    return Window(start, first, end);
}

// Where loops and branches depend on parameters alone, llvmpipe of Mesa 22 builds a shader for each recording and keeps
// it. So these also ask the position.

// Where the sum over input channels ends for these taps: at once, if there are none.
fn end_of_channels(first: vec3<u32>, end: vec3<u32>) -> u32 {
    return select(params.from_channel, params.to_channel, all(first < end));
}

// Whether a parameter is not 0.
fn is_set(p: Place, parameter: u32) -> bool {
    return p.in_group < params.out_size.w * min(parameter, 1u);
}
