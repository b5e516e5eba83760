// Which rows and columns a workgroup that multiplies matrices has, and how it reads them.

// What becomes of the sums: FINISH.
const PARTIAL: u32 = 1u;
const POOL_MAX: u32 = 2u;

override CHANNELS_LAST: bool = false;
override TILE: u32 = 64u;
override TAPS: u32 = 2u;  // 0: windows of one tap and no padding; 1: windows without depth; 2: any
override FINISH: u32 = 0u;

@group(0) @binding(0) var<uniform> params: GemmParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<Word>>;
@group(0) @binding(3) var<storage, read> bias: array<Word>;

// What a workgroup computes: a tile of channels, a tile of columns, and the rows that it sums.
struct Place {
    m: u32,
    tile: u32,
    part: u32,
    channel_group: u32,
    begin: u32,
    end: u32,
}

fn place_of(number: u32) -> Place {
    var p: Place;
    // Neighbouring workgroups read the same inputs.
    p.m = number % params.channel_tiles;
    p.tile = number / params.channel_tiles % params.column_tiles;
    let outer = number / params.channel_tiles / params.column_tiles;
    p.part = outer % params.parts;
    p.channel_group = outer / params.parts;
    p.begin = p.part * params.part_rows;
    p.end = min(params.rows, p.begin + params.part_rows);
    return p;
}

// Where the packed weights of its channels begin.
fn block_of(p: Place) -> u32 {
    return (p.channel_group * params.channel_tiles + p.m) * params.rows;
}

// Four columns, and where they lie in the convolution's output.
struct Columns {
    there: vec4<bool>,
    image: vec4<u32>,
    depth: vec4<u32>,
    height: vec4<u32>,
    width: vec4<u32>,
}

fn columns_of(tile: u32, quad: u32) -> Columns {
    let local = quad * 4u + vec4<u32>(0u, 1u, 2u, 3u);
    var c: Columns;
    if (FINISH < POOL_MAX) {
        var rest = tile * TILE + local;
        c.there = rest < vec4<u32>(params.columns);
        c.width = rest % params.out_size.z;
        rest /= vec4<u32>(params.out_size.z);
        c.height = rest % params.out_size.y;
        rest /= vec4<u32>(params.out_size.y);
        c.depth = rest % params.out_size.x;
        c.image = rest / params.out_size.x;
        return c;
    }
    // The taps of a pooling window are neighbouring columns of one tile.
    let plane = params.pool_window.y * params.pool_window.z;
    let window = local / (plane * params.pool_window.x);
    var rest = tile * params.windows + window;
    c.there = (window < vec4<u32>(params.windows)) & (rest < vec4<u32>(params.columns));
    let start_w = bitcast<vec4<i32>>(rest % params.pooled.z * params.pool_stride.z) - params.pool_before.z;
    rest /= vec4<u32>(params.pooled.z);
    let start_h = bitcast<vec4<i32>>(rest % params.pooled.y * params.pool_stride.y) - params.pool_before.y;
    rest /= vec4<u32>(params.pooled.y);
    let start_d = bitcast<vec4<i32>>(rest % params.pooled.x * params.pool_stride.x) - params.pool_before.x;
    c.image = rest / params.pooled.x;
    let tap_w = local % params.pool_window.z;
    let tap_h = local / params.pool_window.z % params.pool_window.y;
    let tap_d = local / plane % params.pool_window.x;
    c.width = bitcast<vec4<u32>>(start_w) + tap_w * params.pool_dilation.z;
    c.height = bitcast<vec4<u32>>(start_h) + tap_h * params.pool_dilation.y;
    c.depth = bitcast<vec4<u32>>(start_d) + tap_d * params.pool_dilation.x;
    c.there &= (c.width < vec4<u32>(params.out_size.z)) & (c.height < vec4<u32>(params.out_size.y))
        & (c.depth < vec4<u32>(params.out_size.x));
    return c;
}

// Where these columns' results go, but for the channel.
fn targets_of(p: Place, c: Columns) -> vec4<u32> {
    return c.image * params.out_batch + c.depth * params.out_stride.x + c.height * params.out_stride.y
        + c.width * params.out_stride.z + vec4<u32>(p.part * params.part_elements);
}

// Four columns' windows in the input: their first taps, which may lie in the padding.
struct Source {
    there: vec4<bool>,
    base: vec4<u32>,
    depth: vec4<i32>,
    height: vec4<i32>,
    width: vec4<i32>,
}

fn source_of(c: Columns, channel_group: u32) -> Source {
    var s: Source;
    s.there = c.there;
    s.depth = bitcast<vec4<i32>>(c.depth * params.stride.x) - params.pad_before.x;
    s.height = bitcast<vec4<i32>>(c.height * params.stride.y) - params.pad_before.y;
    s.width = bitcast<vec4<i32>>(c.width * params.stride.z) - params.pad_before.z;
    // Before the input it wraps around, and back with the first tap inside.
    s.base = c.image * params.in_batch + channel_group * params.in_group
        + bitcast<vec4<u32>>(s.depth) * params.in_stride.x
        + bitcast<vec4<u32>>(s.height) * params.in_stride.y
        + bitcast<vec4<u32>>(s.width) * params.in_stride.z;
    return s;
}

// Depth, height, width and channel of a row. Rows that follow each other read neighbours in memory.
fn tap_of(row: u32) -> vec4<u32> {
    let w = params.window;
    if (CHANNELS_LAST) {
        let tap = row / w.w;
        return vec4<u32>(tap / w.z / w.y, tap / w.z % w.y, tap % w.z, row % w.w);
    }
    return vec4<u32>(row / w.z / w.y % w.x, row / w.z % w.y, row % w.z, row / w.z / w.y / w.x);
}

// The tap ROWS rows further: a sum of numbers with mixed radices, digit by digit.
fn next_tap(tap: vec4<u32>) -> vec4<u32> {
    let w = params.window;
    var n = tap + params.step;
    if (TAPS == 0u) {
        return n;
    }
    if (CHANNELS_LAST) {
        let carry = n.w >= w.w;
        n.w -= select(0u, w.w, carry);
        n.z += u32(carry);
    }
    let carry_z = n.z >= w.z;
    n.z -= select(0u, w.z, carry_z);
    n.y += u32(carry_z);
    let carry_y = n.y >= w.y;
    n.y -= select(0u, w.y, carry_y);
    n.x += u32(carry_y);
    if (!CHANNELS_LAST) {
        let carry_x = n.x >= w.x;
        n.x -= select(0u, w.x, carry_x);
        n.w += u32(carry_x);
    }
    return n;
}

// A row's inputs at four columns. What lies outside is 0 by choice, not by multiplication.
fn four_inputs(s: Source, tap: vec4<u32>, there: bool) -> vec4<Word> {
    var inside = s.there & vec4<bool>(there);
    var offset = tap.w * params.in_stride.w;
    if (TAPS != 0u) {
        let step = tap.xyz * params.dilation.xyz;
        offset += dot(step, params.in_stride.xyz);
        let height = bitcast<vec4<u32>>(s.height + vec4<i32>(i32(step.y)));
        let width = bitcast<vec4<u32>>(s.width + vec4<i32>(i32(step.z)));
        inside &= (height < vec4<u32>(params.in_size.y)) & (width < vec4<u32>(params.in_size.z));
        if (TAPS == 2u) {
            let depth = bitcast<vec4<u32>>(s.depth + vec4<i32>(i32(step.x)));
            inside &= depth < vec4<u32>(params.in_size.x);
        }
    }
    let at = select(vec4<u32>(), s.base + offset, inside);
    let x = vec4<Word>(input[at.x], input[at.y], input[at.z], input[at.w]);
    return select(vec4<Word>(), x, inside);
}

// A row's weights for four output channels, packed TILE channels after each other.
fn four_weights(block: u32, row: u32, end: u32, quad: u32) -> vec4<Word> {
    let there = row < end;
    let at = select(0u, (block + row) * (TILE / 4u) + quad, there);
    return select(vec4<Word>(), weights[at], there);
}
