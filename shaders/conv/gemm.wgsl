// Convolution as a product of matrices, of which that of the inputs is never stored: rows are input channels and
// taps, columns are positions of the output in all images. A workgroup computes TILE output channels at TILE
// columns, STEP rows at a time; an invocation has TILE / 8 of these channels at four neighbouring columns.

// Rows of the matrices that are multiplied between two barriers, and those that a workgroup loads at once.
const STEP: u32 = 16u;
const ROWS: u32 = 8u;

// Channels that are finished together.
const HELD: u32 = 32u;

// STEP rows of weights, then STEP rows of inputs, each with four elements to spare so that columns of rows lie in
// different banks; then what is pooled.
var<workgroup> tiles: array<vec4<f32>, 8u * TILE + 32u>;

// The sum of lib/sum.wgsl: four channels, and four more where the tile is large, by four columns.
struct Sums {
    part_lower: mat4x4<f32>,
    part_upper: mat4x4<f32>,
    block_lower: mat4x4<f32>,
    block_upper: mat4x4<f32>,
    total_lower: mat4x4<f32>,
    total_upper: mat4x4<f32>,
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Every workgroup goes through the barriers: FXC takes flow that depends on a number of a workgroup for different in each
    // invocation. Spare ones compute the last tile again, and store the same.
    let place = place_of(min(workgroup_number(group, groups), params.tiles - 1u));
    let begin = place.begin;
    let end = place.end;

    // What an invocation loads and computes. Neighbours in memory go to neighbouring invocations.
    let quads = TILE / 4u;
    let quad = select(local % quads, local / ROWS, CHANNELS_LAST);
    let row = select(local / quads, local % ROWS, CHANNELS_LAST);
    let weight_quad = local % quads;
    let weight_row = local / quads;
    let columns = columns_of(place.tile, quad);
    let source = source_of(columns, place.channel_group);
    let block = block_of(place);

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
        tiles[a_at] = vec4<f32>(a_0);
        tiles[a_at + ROWS * line] = vec4<f32>(a_1);
        tiles[b_at] = vec4<f32>(b_0);
        tiles[b_at + ROWS * line] = vec4<f32>(b_1);
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
        // FXC takes much longer over sums that are written in branches than over loops that go on.
        if (steps % (PART / STEP) != 0u) {
            continue;
        }
        end_part(&sums);
        if (steps % (PART * PART / STEP) != 0u) {
            continue;
        }
        end_block(&sums);
    }

    let lower = sums.total_lower + (sums.block_lower + sums.part_lower);
    let upper = sums.total_upper + (sums.block_upper + sums.part_upper);
    if (FINISH < POOL_MAX) {
        let to = targets_of(place, columns);
        for (var i = 0u; i < TILE / 8u; i++) {
            let channel = place.m * TILE + i / 4u * 32u + row * 4u + i % 4u;
            let sum = select(column(lower, i % 4u), column(upper, i % 4u), i >= 4u);
            write(columns.there, to, place.channel_group, channel, finished(place.channel_group, channel, sum));
        }
    }
    var results = lower;
    for (var half = select(TILE, 0u, FINISH >= POOL_MAX); half < TILE; half += 32u) {
        workgroupBarrier();
        for (var i = 0u; i < 4u; i++) {
            let in_half = row * 4u + i;
            let channel = place.m * TILE + half + in_half;
            tiles[in_half * line + quad] = finished(place.channel_group, channel, column(results, i));
        }
        workgroupBarrier();
        pool_tile(place.channel_group, place.m * TILE + half, place.tile, local);
        results = upper;
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

fn end_part(sums: ptr<function, Sums>) {
    (*sums).block_lower += (*sums).part_lower;
    (*sums).part_lower = mat4x4<f32>();
    if (TILE == 64u) {
        (*sums).block_upper += (*sums).part_upper;
        (*sums).part_upper = mat4x4<f32>();
    }
}

fn end_block(sums: ptr<function, Sums>) {
    (*sums).total_lower += (*sums).block_lower;
    (*sums).block_lower = mat4x4<f32>();
    if (TILE == 64u) {
        (*sums).total_upper += (*sums).block_upper;
        (*sums).block_upper = mat4x4<f32>();
    }
}
