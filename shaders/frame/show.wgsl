// A channel of an image, or the channel of its largest value, to a picture through a colour map: one pixel of the
// picture an invocation.

override CLASSES: bool = false;

@group(0) @binding(0) var<uniform> params: ShowParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var picture: texture_storage_2d<rgba8unorm, write>;

// The first of the largest channels, or NaN if one is NaN.
fn class_at(first: u32) -> f32 {
    var best = unpack(input[first], 0u);
    var number = 0u;
    for (var channel = 1u; channel < params.in_size.z; channel++) {
        let value = unpack(input[first + channel * params.in_stride.w], 0u);
        if (is_nan(best)) {
            break;
        }
        if (is_nan(value) || exceeds(value, best)) {
            best = value;
            number = channel;
        }
    }
    if (is_nan(best)) {
        return best;
    }
    return f32(number);
}

fn color_of(value: f32) -> u32 {
    if (is_nan(value)) {
        return params.nan;
    }
    // Clamped before anything is computed: then neither infinity nor a difference too large for f32 arises.
    let inside = min(max(value, params.low), params.high);
    let entry = min(u32((inside - params.low) * params.entries + 0.5), 255u);
    return params.colors[entry / 4u][entry % 4u];
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.out_size.z) {
        return;
    }
    let at = vec2<u32>(number % params.out_size.x, number / params.out_size.x);
    // The element whose square the pixel's centre lies in: (at + 0.5) * input / output, rounded down.
    let nearest = (2u * at + 1u) * params.in_size.xy / (2u * params.out_size.xy);
    let first = params.in_stride.x + nearest.x * params.in_stride.y + nearest.y * params.in_stride.z;
    var value: f32;
    if (CLASSES) {
        value = class_at(first);
    } else {
        value = unpack(input[first], 0u);
    }
    textureStore(picture, at, unpack4x8unorm(color_of(value)));
}
