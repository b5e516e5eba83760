// The samples of a deformable convolution: the moved taps of every output, one an invocation.

@group(0) @binding(0) var<uniform> params: DeformParams;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> offsets: array<f32>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> samples: array<f32>;

// Axes that are not there are one element long, and have no offset.
fn offset_along(axis: u32, moved: u32, pixels: u32, pixel: u32) -> f32 {
    let rank = params.window.w;
    let offset = offsets[(moved * rank + max(axis + rank, 3u) - 3u) * pixels + pixel];
    return select(0.0, offset, axis + rank >= 3u);
}

fn is_inside(at: f32, size: u32) -> bool {
    return !is_nan(at) && at > -1.0 && at < f32(size);
}

fn compute(number: u32) {
    let out = params.out_size;
    let pixels = out.x * out.y * out.z;
    let pixel = number % pixels;
    let position = vec3<u32>(pixel / out.z / out.y, pixel / out.z % out.y, pixel % out.z);
    let taps = params.window.x * params.window.y * params.window.z;
    let tap_number = number / pixels % taps;
    let tap = vec3<u32>(
        tap_number / params.window.z / params.window.y,
        tap_number / params.window.z % params.window.y,
        tap_number % params.window.z,
    );
    // Channels of all images.
    let plane = number / pixels / taps;
    let n = plane / params.in_size.w;
    let channel_group = plane % params.in_size.w / params.group_channels;
    let moved = (n * params.offset_groups + channel_group) * taps + tap_number;

    let place = vec3<i32>(position * params.stride.xyz + tap * params.dilation.xyz) - params.pad_before.xyz;
    let to = vec3<f32>(place) + vec3<f32>(
        offset_along(0u, moved, pixels, pixel),
        offset_along(1u, moved, pixels, pixel),
        offset_along(2u, moved, pixels, pixel),
    );
    let inside = is_inside(to.x, params.in_size.x) && is_inside(to.y, params.in_size.y) && is_inside(to.z, params.in_size.z);
    let low = vec3<i32>(floor(to));
    let part = to - floor(to);
    var value = 0.0;
    let size = vec3<i32>(params.in_size.xyz);
    // The last bit of a corner's number says whether it is the one behind along the last axis.
    let corners = select(0u, 1u << params.window.w, inside);
    for (var corner = 0u; corner < corners; corner++) {
        let behind = (vec3<u32>(corner) >> vec3<u32>(2u, 1u, 0u)) & vec3<u32>(1u);
        let at = low + vec3<i32>(behind);
        if (all(at >= vec3<i32>(0)) && all(at < size)) {
            let weight = select(1.0 - part, part, behind == vec3<u32>(1u));
            let row = (plane * params.in_size.x + u32(at.x)) * params.in_size.y + u32(at.y);
            value += weight.x * weight.y * weight.z * input[row * params.in_size.z + u32(at.z)];
        }
    }
    if (params.has_mask == 1u) {
        value *= mask[moved * pixels + pixel];
    }
    samples[number] = value;
}
