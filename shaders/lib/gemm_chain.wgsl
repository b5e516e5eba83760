// What an invocation of conv/gemm.wgsl adds up where sums may be plain chains: eight channels at eight columns of a tile of 64.

const CHAIN: bool = true;
// Rows that a workgroup loads at once.
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

// `columns` are those that it loads.
fn store_sums(sums: ptr<function, Sums>, place: Place, columns: Columns, mine: vec2<u32>) {
    store_columns(place, columns_of(place.tile, mine.y), mine.x, (*sums).lower_left, (*sums).upper_left);
    store_columns(place, columns_of(place.tile, mine.y + 8u), mine.x, (*sums).lower_right, (*sums).upper_right);
}

fn hold_sums(sums: ptr<function, Sums>, place: Place, first: u32, mine: vec2<u32>) {
    hold_columns(place, first, mine.x, mine.y, (*sums).lower_left);
    hold_columns(place, first, mine.x, mine.y + 8u, (*sums).lower_right);
}

fn upper_for_lower(sums: ptr<function, Sums>) {
    (*sums).lower_left = (*sums).upper_left;
    (*sums).lower_right = (*sums).upper_right;
}
