// What an invocation of conv/gemm.wgsl adds up: TILE / 8 channels at four columns, in the three levels of lib/sum.wgsl.

const CHAIN: bool = false;
// Rows that a workgroup loads at once.
const ROWS: u32 = 8u;

// Four channels, and four more where the tile is large.
struct Sums {
    part_lower: mat4x4<f32>,
    part_upper: mat4x4<f32>,
    block_lower: mat4x4<f32>,
    block_upper: mat4x4<f32>,
    total_lower: mat4x4<f32>,
    total_upper: mat4x4<f32>,
}

// Its fours of channels and of columns.
fn place_in_tile(local: u32) -> vec2<u32> {
    let quads = TILE / 4u;
    return select(vec2<u32>(local / quads, local % quads), vec2<u32>(local % ROWS, local / ROWS), CHANNELS_LAST);
}

// One row's products.
fn add_row(sums: ptr<function, Sums>, r: u32, mine: vec2<u32>) {
    let line = TILE / 4u + 1u;
    let b = tiles[(STEP + r) * line + mine.y];
    let a = tiles[r * line + mine.x];
    (*sums).part_lower[0] += a.x * b;
    (*sums).part_lower[1] += a.y * b;
    (*sums).part_lower[2] += a.z * b;
    (*sums).part_lower[3] += a.w * b;
    if (TILE == 64u) {
        let c = tiles[r * line + mine.x + 8u];
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

fn end_sums(sums: ptr<function, Sums>) {
    (*sums).total_lower += (*sums).block_lower + (*sums).part_lower;
    (*sums).total_upper += (*sums).block_upper + (*sums).part_upper;
}

fn store_sums(sums: ptr<function, Sums>, place: Place, columns: Columns, mine: vec2<u32>) {
    store_columns(place, columns, mine.x, (*sums).total_lower, (*sums).total_upper);
}

fn hold_sums(sums: ptr<function, Sums>, place: Place, first: u32, mine: vec2<u32>) {
    hold_columns(place, first, mine.x, mine.y, (*sums).total_lower);
}

fn upper_for_lower(sums: ptr<function, Sums>) {
    (*sums).total_lower = (*sums).total_upper;
}
