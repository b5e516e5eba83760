// Convolution as a product of matrices, as in conv/gemm.wgsl, by cooperative matrices of 16-bit floats with 32-bit
// sums. Four subgroups compute TILE = 4 * SIDE output channels at as many columns, each two by two matrices of SIDE
// by SIDE of them.

//: side

// Rows of the matrices that are multiplied between two barriers.
const STEP: u32 = 2u * SIDE;

// Channels that are finished together.
const HELD: u32 = SIDE;

// Vectors from row to row, some of them to spare so that rows lie in different banks. Rows begin at multiples of 16
// bytes, as loads of matrices ask for.
const LINE: u32 = SIDE + 2u;

var<workgroup> a_rows: array<vec4<f16>, STEP * LINE>;
var<workgroup> b_rows: array<vec4<f16>, STEP * LINE>;
var<workgroup> tiles: array<vec4<f32>, SIDE * (SIDE + 1u)>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    // As in conv/gemm.wgsl, spare workgroups compute the last tile again.
    let place = place_of(min(workgroup_number(group, groups), params.tiles - 1u));
    let begin = place.begin;
    let end = place.end;

    // What an invocation loads and finishes. Neighbours in memory go to neighbouring invocations.
    let rows = WORKGROUP / SIDE;
    let quad = select(local % SIDE, local / rows, CHANNELS_LAST);
    let row = select(local / SIDE, local % rows, CHANNELS_LAST);
    let weight_quad = local % SIDE;
    let weight_row = local / SIDE;
    let columns = columns_of(place.tile, quad);
    let source = source_of(columns, place.channel_group);
    let block = block_of(place);

    // What a subgroup computes: where its channels and its columns begin in a row.
    let upper = subgroup / 2u;
    let a_from = upper * (SIDE / 2u);
    let b_from = subgroup % 2u * (SIDE / 2u);

    var tap = tap_of(begin + row);
    var next = begin;
    //: loads

    //: sums
    for (var k = begin; k < end; k += STEP) {
        workgroupBarrier();
        //: stores
        workgroupBarrier();
        // The next step's elements are on their way while this step's are multiplied.
        next = k + STEP;
        //: next loads
        //: products
        let steps = (next - begin) / STEP;
        if (steps % (PART / STEP) == 0u) {
            //: end parts
            if (steps % (PART * PART / STEP) == 0u) {
                //: end blocks
            }
        }
    }

    //: totals
    let to = targets_of(place, columns);
    let first = place.m * TILE;
    //: results
}

// SIDE channels, which subgroups have stored.
fn finish(there: vec4<bool>, to: vec4<u32>, first: u32, row: u32, quad: u32, place: Place, local: u32) {
    for (var r = row; r < SIDE; r += WORKGROUP / SIDE) {
        let sum = tiles[r * (SIDE + 1u) + quad];
        let value = finished(there, to, place.channel_group, first + r, sum);
        if (FINISH >= POOL_MAX) {
            tiles[r * (SIDE + 1u) + quad] = value;
        } else {
            write(there, to, place.channel_group, first + r, value);
        }
    }
    if (FINISH >= POOL_MAX) {
        workgroupBarrier();
        pool_tile(place.channel_group, first, place.tile, local);
    }
}
