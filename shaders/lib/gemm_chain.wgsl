// What an invocation of conv/gemm.wgsl adds up where sums may be plain chains: eight channels at eight columns of a tile of 64.

const CHAIN: bool = true;
// Fours of columns, and rows that a workgroup loads at once.
const HALVES: u32 = 2u;
const ROWS: u32 = 4u;

struct Sums {
    lower_left: mat4x4<f32>,
    lower_right: mat4x4<f32>,
    upper_left: mat4x4<f32>,
    upper_right: mat4x4<f32>,
}

// Its fours of channels and of columns; the others are eight further.
fn place_in_tile(local: u32) -> vec2<u32> {
    return select(vec2<u32>(local / 8u, local % 8u), vec2<u32>(local % 8u, local / 8u), CHANNELS_LAST);
}

// One row's products.
fn add_row(sums: ptr<function, Sums>, r: u32, mine: vec2<u32>) {
    let line = TILE / 4u + 1u;
    let a = tiles[r * line + mine.x];
    let c = tiles[r * line + mine.x + 8u];
    let b = tiles[(STEP + r) * line + mine.y];
    let d = tiles[(STEP + r) * line + mine.y + 8u];
    (*sums).lower_left[0] += a.x * b;
    (*sums).lower_left[1] += a.y * b;
    (*sums).lower_left[2] += a.z * b;
    (*sums).lower_left[3] += a.w * b;
    (*sums).lower_right[0] += a.x * d;
    (*sums).lower_right[1] += a.y * d;
    (*sums).lower_right[2] += a.z * d;
    (*sums).lower_right[3] += a.w * d;
    (*sums).upper_left[0] += c.x * b;
    (*sums).upper_left[1] += c.y * b;
    (*sums).upper_left[2] += c.z * b;
    (*sums).upper_left[3] += c.w * b;
    (*sums).upper_right[0] += c.x * d;
    (*sums).upper_right[1] += c.y * d;
    (*sums).upper_right[2] += c.z * d;
    (*sums).upper_right[3] += c.w * d;
}

fn end_part(sums: ptr<function, Sums>) {
}

fn end_block(sums: ptr<function, Sums>) {
}

fn end_sums(sums: ptr<function, Sums>) {
}

// Channel `i` of those that it has, at four columns.
fn sum_of(sums: ptr<function, Sums>, half: u32, i: u32) -> vec4<f32> {
    let left = select(column((*sums).lower_left, i % 4u), column((*sums).upper_left, i % 4u), i >= 4u);
    let right = select(column((*sums).lower_right, i % 4u), column((*sums).upper_right, i % 4u), i >= 4u);
    return select(left, right, half == 1u);
}
