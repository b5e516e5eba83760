// Convolution as a product of matrices, of which that of the inputs is never stored: rows are input channels and
// taps, columns are positions of the output in all images. A workgroup computes TILE output channels at TILE
// columns, STEP rows at a time. Which of them an invocation has, and how it adds them up, lib/gemm_sums.wgsl says, or
// lib/gemm_chain.wgsl.

// Rows of the matrices that are multiplied between two barriers.
const STEP: u32 = 2u * ROWS;

// Channels that are finished together.
const HELD: u32 = 32u;

// STEP rows of weights, then STEP rows of inputs, each with four elements to spare so that columns of rows lie in
// different banks; then what is pooled.
var<workgroup> tiles: array<vec4<f32>, 8u * TILE + 32u>;

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
    let mine = place_in_tile(local);
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
            add_row(&sums, r, mine);
            add_row(&sums, r + 1u, mine);
            add_row(&sums, r + 2u, mine);
            add_row(&sums, r + 3u, mine);
        }
        let steps = (next - begin) / STEP;
        // FXC takes much longer over sums that are written in branches than over loops that go on.
        if (CHAIN || steps % (PART / STEP) != 0u) {
            continue;
        }
        end_part(&sums);
        if (steps % (PART * PART / STEP) != 0u) {
            continue;
        }
        end_block(&sums);
    }

    end_sums(&sums);
    if (FINISH < POOL_MAX) {
        store_sums(&sums, place, columns, mine);
    }
    for (var first = select(TILE, 0u, FINISH >= POOL_MAX); first < TILE; first += 32u) {
        workgroupBarrier();
        hold_sums(&sums, place, first, mine);
        workgroupBarrier();
        pool_tile(place.channel_group, place.m * TILE + first, place.tile, local);
        upper_for_lower(&sums);
    }
}

// Stores the channels of a row of fours at four columns.
fn store_columns(place: Place, columns: Columns, row: u32, lower: mat4x4<f32>, upper: mat4x4<f32>) {
    let to = targets_of(place, columns);
    for (var i = 0u; i < TILE / 8u; i++) {
        let channel = place.m * TILE + i / 4u * 32u + row * 4u + i % 4u;
        let sum = select(column(lower, i % 4u), column(upper, i % 4u), i >= 4u);
        let value = finished(columns.there, to, place.channel_group, channel, sum);
        write(columns.there, to, place.channel_group, channel, value);
    }
}

// Holds four channels at four columns for pooling.
fn hold_columns(place: Place, first: u32, row: u32, quad: u32, sums: mat4x4<f32>) {
    for (var i = 0u; i < 4u; i++) {
        let held = row * 4u + i;
        let channel = place.m * TILE + first + held;
        let sum = column(sums, i);
        tiles[held * (TILE / 4u + 1u) + quad] =
            finished(vec4<bool>(), vec4<u32>(), place.channel_group, channel, sum);
    }
}

// A column by number, without memory for the whole matrix.
fn column(m: mat4x4<f32>, i: u32) -> vec4<f32> {
    return select(select(m[0], m[1], i == 1u), select(m[2], m[3], i == 3u), i >= 2u);
}
