// Copies regions of a convolution's input, with the padding around it as zeros, into the order in which tiled kernels
// read them: [region][group][chunk of its channels][image][channel][depth][height][width], each chunk in a page. A row
// along the width an invocation.

@group(0) @binding(0) var<uniform> params: PackInputParams;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;

// An element, or zero where it is padding.
fn load(row: u32, x: i32, inside: bool) -> f32 {
    let there = inside && u32(x) < params.in_size.z;
    return select(0.0, input[select(0u, row + u32(x) * params.in_stride.z, there)], there);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.rows) {
        return;
    }
    let in_page = params.images * params.size.w * params.size.x * params.size.y;
    let page = number / in_page;
    let at = number % in_page;
    let y = at % params.size.y;
    let plane = at / params.size.y;
    let z = plane % params.size.x;
    let channels = plane / params.size.x;
    let in_chunk = channels % params.size.w;
    let chunk = page % params.chunks;
    let of_group = page / params.chunks;
    let channel_group = of_group % params.groups;
    var region = params.first + of_group / params.groups;
    let region_x = region % params.counts.w;
    region /= params.counts.w;
    let region_y = region % params.counts.z;
    region /= params.counts.z;
    let place = vec4<i32>(vec4<u32>(region % params.counts.y, region_y, region_x, region / params.counts.y));

    let start = place * params.start_step - params.pad_before;
    let z_at = start.x + i32(z);
    let y_at = start.y + i32(y);
    let image = u32(start.w) + channels / params.size.w;
    let channel = chunk * params.size.w + in_chunk;
    let inside = u32(z_at) < params.in_size.x && u32(y_at) < params.in_size.y && image < params.in_size.w
        && channel < params.group_in;
    let row = image * params.in_batch + (channel_group * params.group_in + channel) * params.in_stride.w
        + u32(z_at) * params.in_stride.x + u32(y_at) * params.in_stride.y;
    let to = page * params.page + at * params.size.z;
    for (var i = 0u; i < params.size.z; i++) {
        let x = start.z + i32(i * 4u);
        packed[to + i] = vec4<f32>(
            load(row, x, inside),
            load(row, x + 1, inside),
            load(row, x + 2, inside),
            load(row, x + 3, inside),
        );
    }
}
