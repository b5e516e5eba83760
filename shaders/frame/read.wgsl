// A picture's crop to an image of a batch: bilinear, one output pixel an invocation.

@group(0) @binding(0) var<uniform> params: FrameParams;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

struct Neighbours {
    low: u32,
    high: u32,
    weight: f32, // of `high`
}

// The position (at + 0.5) * length / outputs - 0.5 as a fraction of whole numbers: its whole part is exact, and
// its remainder no less exact for being far from the first pixel.
fn neighbours(at: u32, length: u32, outputs: u32) -> Neighbours {
    let ahead = (2u * at + 1u) * length;
    let position = select(ahead - outputs, 0u, ahead < outputs);
    let unit = 2u * outputs;
    let low = position / unit;
    return Neighbours(low, min(low + 1u, length - 1u), f32(position % unit) / f32(unit));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.out_size.w) {
        return;
    }
    let column = number % params.out_size.x;
    let row = number / params.out_size.x;
    let h = neighbours(column, params.crop.z, params.out_size.x);
    let v = neighbours(row, params.crop.w, params.out_size.y);
    let left = params.crop.x + h.low;
    let right = params.crop.x + h.high;
    let top = params.crop.y + v.low;
    let bottom = params.crop.y + v.high;
    let above = (1.0 - h.weight) * pixel_at(left, top) + h.weight * pixel_at(right, top);
    let below = (1.0 - h.weight) * pixel_at(left, bottom) + h.weight * pixel_at(right, bottom);
    let pixel = (1.0 - v.weight) * above + v.weight * below;
    let first = params.out_stride.x + column * params.out_stride.y + row * params.out_stride.z;
    for (var channel = 0u; channel < params.out_size.z; channel++) {
        let value = (dot(params.weights[channel], pixel) - params.mean[channel]) * params.scale[channel];
        output[first + channel * params.out_stride.w] = pack(vec4<f32>(value));
    }
}
