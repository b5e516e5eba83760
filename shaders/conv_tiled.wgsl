// Direct convolution in register tiles: an invocation computes a tile of positions times a block of output channels, of
// one group, from one chunk of the input channels. Weights come from a uniform page in the order of
// pack_weights.wgsl. The lines marked `//:` stand for unrolled ones, which `kernel/tiled.rs` writes for a tile.

struct TiledParams {
    in_size: vec4<u32>,    // depth, height, width, input channels of the chunk
    out_size: vec4<u32>,   // of the convolution: depth, height, width; output channels of the block
    window: vec4<u32>,     // depth, height, width, 0
    stride: vec4<u32>,
    dilation: vec4<u32>,
    pad_before: vec4<i32>,
    in_stride: vec4<u32>,  // depth, height, width, channel
    out_stride: vec4<u32>,
    tiles: vec4<u32>,      // along width, height, depth; all of the batch
    bounds: vec4<u32>,     // width and height of the output, 0, 0
    in_first: u32,         // the chunk's first channel
    in_batch: u32,         // elements of an input image
    out_first: u32,        // the block's first channel
    out_batch: u32,        // elements of an output image
    steps: u32,
    chain: u32,            // steps whose products are added one after another
    positions: u32,        // of the output in a tile
    bias_at: u32,          // where the block's biases are in the page, in fours
    alpha: f32,
    nan: u32,
    pad_0: u32,
    pad_1: u32,
}

// Whether sums begin here or go on with what the output holds, and whether they end here.
override FIRST: bool = true;
override LAST: bool = true;

@group(0) @binding(0) var<uniform> params: TiledParams;
@group(0) @binding(1) var<uniform> weights: array<vec4<f32>, 4096>;
@group(0) @binding(2) var<storage, read> input: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

// An element, or zero where the mask says that it is padding.
fn load(at: u32, mask: u32) -> f32 {
    return bitcast<f32>(bitcast<u32>(input[at]) & mask);
}

fn mask_of(inside: bool) -> u32 {
    return select(0u, 0xffffffffu, inside);
}

fn finished(sum: vec4<f32>, four: u32) -> vec4<f32> {
    if (!LAST) {
        return sum;
    }
    let x = sum + weights[params.bias_at + four];
    return vec4<f32>(
        activate(x.x, params.alpha),
        activate(x.y, params.alpha),
        activate(x.z, params.alpha),
        activate(x.w, params.alpha),
    );
}

fn store(value: f32, at: u32, channel: u32) {
    if (channel < params.out_size.w) {
        output[at + channel * params.out_stride.w] = value;
    }
}

fn store4(values: vec4<f32>, at: u32, four: u32) {
    store(values.x, at, four * 4u);
    store(values.y, at, four * 4u + 1u);
    store(values.z, at, four * 4u + 2u);
    store(values.w, at, four * 4u + 3u);
}

fn stored(at: u32, channel: u32) -> f32 {
    return output[at + min(channel, params.out_size.w - 1u) * params.out_stride.w];
}

fn go_on(sum: vec4<f32>, at: u32, four: u32) -> vec4<f32> {
    if (FIRST) {
        return sum;
    }
    let c = four * 4u;
    return vec4<f32>(stored(at, c), stored(at, c + 1u), stored(at, c + 2u), stored(at, c + 3u)) + sum;
}

// The largest of a window, by the order of bits, and whether one of them is NaN.
struct Largest {
    key: vec4<i32>,
    magnitude: vec4<u32>,
}

fn take(largest: ptr<function, Largest>, values: vec4<f32>, inside: bool) {
    let bits = bitcast<vec4<i32>>(values);
    let key = bits ^ ((bits >> vec4<u32>(31u)) & vec4<i32>(0x7fffffff));
    let magnitude = bitcast<vec4<u32>>(bits) & vec4<u32>(0x7fffffffu);
    (*largest).key = select((*largest).key, max((*largest).key, key), inside);
    (*largest).magnitude = select((*largest).magnitude, max((*largest).magnitude, magnitude), inside);
}

fn largest_of(largest: Largest) -> vec4<f32> {
    let key = largest.key;
    let value = bitcast<vec4<f32>>(key ^ ((key >> vec4<u32>(31u)) & vec4<i32>(0x7fffffff)));
    let nan = vec4<f32>(bitcast<f32>(params.nan));
    return select(value, nan, largest.magnitude > vec4<u32>(0x7f800000u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    //: arguments
) {
    // Lanes behind the last tile compute it once more and store nothing: all of a subgroup fetch weights.
    let number = invocation_number(group, groups, local);
    let works = number < params.tiles.w;
    var rest = min(number, params.tiles.w - 1u);
    let x0 = rest % params.tiles.x * TILE_W;
    rest /= params.tiles.x;
    let y0 = rest % params.tiles.y * TILE_H;
    rest /= params.tiles.y;
    let z = rest % params.tiles.z;
    let n = rest / params.tiles.z;
    let image = n * params.in_batch + params.in_first;
    //: fixed columns
    //: sums
    let taps = params.window.x * params.window.y * params.window.z;
    // A step is some rows of taps of some channels: they go through all channels, then through all rows.
    var tap = vec3<u32>();
    var channel = 0u;
    var steps = 0u;
    while (steps < params.steps) {
        //: parts
        let stop = min(steps + params.chain, params.steps);
        for (; steps < stop; steps++) {
            let z_at = i32(z * params.stride.x + tap.x * params.dilation.x) - params.pad_before.x;
            let z_inside = u32(z_at) < params.in_size.x;
            let slice = image + u32(z_at) * params.in_stride.x + channel * params.in_stride.w;
            let weight = (channel * taps + (tap.x * params.window.y + tap.y) * params.window.z + tap.z) * FOURS;
            //: rows
            //: moving columns
            //: products
            channel += DEPTH;
            if (channel >= params.in_size.w) {
                channel = 0u;
                tap.z += TAP_COLUMNS;
                if (tap.z >= params.window.z) {
                    tap.z = 0u;
                    tap.y += TAP_ROWS;
                    if (tap.y >= params.window.y) {
                        tap.y = 0u;
                        tap.x += 1u;
                    }
                }
            }
        }
        //: fold
    }
    // A loop that drivers do not unroll stores what the tile holds.
    //: results
    let out = n * params.out_batch + params.out_first + z * params.out_stride.x;
    for (var i = 0u; i < params.positions; i++) {
        let x = x0 / POOL_W + i % OUT_W;
        let y = y0 / POOL_H + i / OUT_W;
        if (works && x < params.bounds.x && y < params.bounds.y) {
            let at = out + y * params.out_stride.y + x * params.out_stride.z;
            //: stores
        }
    }
}
