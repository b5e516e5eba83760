// Convolution as a product of matrices, of which that of the inputs is never stored: rows are input channels and
// taps, columns are positions of the output in all images. A workgroup computes TILE output channels at TILE
// columns, STEP rows at a time; an invocation has TILE / 8 of these channels at four neighbouring columns.

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = workgroup_number(group, groups);
    if (number >= params.tiles) {
        return;
    }
    // Neighbouring workgroups read the same inputs.
    let m = number % params.channel_tiles;
    let tile = number / params.channel_tiles % params.column_tiles;
    let outer = number / params.channel_tiles / params.column_tiles;
    let part = outer % params.parts;
    let channel_group = outer / params.parts;
    let begin = part * params.part_rows;
    let end = min(params.rows, begin + params.part_rows);

    // What an invocation loads and computes. Neighbours in memory go to neighbouring invocations.
    let quads = TILE / 4u;
    let quad = select(local % quads, local / ROWS, CHANNELS_LAST);
    let row = select(local / quads, local % ROWS, CHANNELS_LAST);
    let weight_quad = local % quads;
    let weight_row = local / quads;
    let columns = columns_of(tile, quad);
    let source = source_of(columns, channel_group);
    let block = (channel_group * params.channel_tiles + m) * params.rows;

    let line = TILE / 4u + 1u;
    let a_at = weight_row * line + weight_quad;
    let b_at = (STEP + row) * line + quad;
    var tap = tap_of(begin + row);
    var a_0 = four_weights(block, begin + weight_row, end, weight_quad);
    var a_1 = four_weights(block, begin + weight_row + ROWS, end, weight_quad);
    var b_0 = four_inputs(source, tap, begin + row < end);
    tap = next_tap(tap);
    var b_1 = four_inputs(source, tap, begin + row + ROWS < end);

    var sums = Sums();
    for (var k = begin; k < end; k += STEP) {
        workgroupBarrier();
        tiles[a_at] = a_0;
        tiles[a_at + ROWS * line] = a_1;
        tiles[b_at] = b_0;
        tiles[b_at + ROWS * line] = b_1;
        workgroupBarrier();
        // The next step's elements are on their way while this step's are multiplied.
        let next = k + STEP;
        tap = next_tap(tap);
        a_0 = four_weights(block, next + weight_row, end, weight_quad);
        a_1 = four_weights(block, next + weight_row + ROWS, end, weight_quad);
        b_0 = four_inputs(source, tap, next + row < end);
        tap = next_tap(tap);
        b_1 = four_inputs(source, tap, next + row + ROWS < end);
        for (var r = 0u; r < STEP; r += 4u) {
            add_row(&sums, r, row, quad);
            add_row(&sums, r + 1u, row, quad);
            add_row(&sums, r + 2u, row, quad);
            add_row(&sums, r + 3u, row, quad);
        }
        let steps = (next - begin) / STEP;
        if (steps % (PART / STEP) == 0u) {
            end_part(&sums, steps % (PART * PART / STEP) == 0u);
        }
    }

    let own = Own(source, columns.there, block, begin, end, channel_group);
    var to = columns.image * params.out_batch + columns.depth * params.out_stride.x
        + columns.height * params.out_stride.y + columns.width * params.out_stride.z;
    to += vec4<u32>(part * params.part_elements);
    var results = sums.total_lower + (sums.block_lower + sums.part_lower);
    for (var half = 0u; half < TILE; half += 32u) {
        if (half == 32u) {
            results = sums.total_upper + (sums.block_upper + sums.part_upper);
        }
        if (FINISH >= POOL_MAX) {
            workgroupBarrier();
        }
        for (var i = 0u; i < 4u; i++) {
            let in_half = row * 4u + i;
            let value = finished(own, m * TILE + half + in_half, column(results, i));
            if (FINISH >= POOL_MAX) {
                tiles[in_half * line + quad] = value;
            } else {
                write(own, to, m * TILE + half + in_half, value);
            }
        }
        if (FINISH >= POOL_MAX) {
            workgroupBarrier();
            pool_tile(channel_group, m * TILE + half, tile, local);
        }
    }
}

// A column by number, without memory for the whole matrix.
fn column(m: mat4x4<f32>, i: u32) -> vec4<f32> {
    return select(select(m[0], m[1], i == 1u), select(m[2], m[3], i == 3u), i >= 2u);
}

// One row's products: TILE / 8 channels by four columns.
fn add_row(sums: ptr<function, Sums>, r: u32, row: u32, quad: u32) {
    let line = TILE / 4u + 1u;
    let b = tiles[(STEP + r) * line + quad];
    let a = tiles[r * line + row];
    (*sums).part_lower[0] += a.x * b;
    (*sums).part_lower[1] += a.y * b;
    (*sums).part_lower[2] += a.z * b;
    (*sums).part_lower[3] += a.w * b;
    if (TILE == 64u) {
        let c = tiles[r * line + row + 8u];
        (*sums).part_upper[0] += c.x * b;
        (*sums).part_upper[1] += c.y * b;
        (*sums).part_upper[2] += c.z * b;
        (*sums).part_upper[3] += c.w * b;
    }
}

fn end_part(sums: ptr<function, Sums>, end_block: bool) {
    (*sums).block_lower += (*sums).part_lower;
    (*sums).part_lower = mat4x4<f32>();
    if (TILE == 64u) {
        (*sums).block_upper += (*sums).part_upper;
        (*sums).part_upper = mat4x4<f32>();
    }
    if (end_block) {
        (*sums).total_lower += (*sums).block_lower;
        (*sums).block_lower = mat4x4<f32>();
        if (TILE == 64u) {
            (*sums).total_upper += (*sums).block_upper;
            (*sums).block_upper = mat4x4<f32>();
        }
    }
}

// What an invocation needs to finish its sums.
struct Own {
    source: Source,
    there: vec4<bool>,
    block: u32,
    begin: u32,
    end: u32,
    channel_group: u32,
}

// Bias and activation, and exact sums where padding met a weight that is no finite number.
fn finished(own: Own, channel: u32, sum: vec4<f32>) -> vec4<f32> {
    if (channel >= params.out_size.w) {
        return vec4<f32>();
    }
    let s = own.source;
    var value = sum;
    if (TAPS != 0u) {
        for (var lane = 0u; lane < 4u; lane++) {
            if (own.there[lane] && is_nan(sum[lane])) {
                let first = vec3<i32>(s.depth[lane], s.height[lane], s.width[lane]);
                value[lane] = exact(own, channel, sum[lane], s.base[lane], first);
            }
        }
    }
    if (FINISH == PARTIAL) {
        return value;
    }
    if (params.has_bias != 0u) {
        value += unpack(bias[own.channel_group * params.out_size.w + channel], 0u);
    }
    return vec4<f32>(
        activate(value.x, params.alpha),
        activate(value.y, params.alpha),
        activate(value.z, params.alpha),
        activate(value.w, params.alpha),
    );
}

// The product of padding's 0 and an infinite or NaN weight is NaN, though padding is no term at all: a sum that is
// NaN and reaches padding is computed again, over the taps inside the input alone.
fn exact(own: Own, channel: u32, sum: f32, base: u32, first: vec3<i32>) -> f32 {
    let last = first + vec3<i32>((params.window.xyz - vec3<u32>(1u)) * params.dilation.xyz);
    if (all(first >= vec3<i32>()) && all(last < vec3<i32>(params.in_size.xyz))) {
        return sum;
    }
    var again = Sum();
    let in_tile = channel % TILE;
    for (var k = own.begin; k < own.end; k++) {
        let tap = tap_of(k);
        let step = tap.xyz * params.dilation.xyz;
        if (all(bitcast<vec3<u32>>(first + vec3<i32>(step)) < params.in_size.xyz)) {
            let x = unpack(input[base + dot(step, params.in_stride.xyz) + tap.w * params.in_stride.w], 0u);
            let four = weights[(own.block + k) * (TILE / 4u) + in_tile / 4u];
            add(&again, x * f32(four[in_tile % 4u]));
        }
    }
    return result(again);
}

// One channel at four columns.
fn write(own: Own, to: vec4<u32>, channel: u32, value: vec4<f32>) {
    if (channel >= params.out_size.w) {
        return;
    }
    let at = to + vec4<u32>((own.channel_group * params.out_size.w + channel) * params.out_stride.w);
    if (own.there.x) {
        store(at.x, value.x);
    }
    if (own.there.y) {
        store(at.y, value.y);
    }
    if (own.there.z) {
        store(at.z, value.z);
    }
    if (own.there.w) {
        store(at.w, value.w);
    }
}
