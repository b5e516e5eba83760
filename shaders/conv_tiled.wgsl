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
    pooled: vec4<u32>,     // width and height of the pooled tensor, 0, 0
    in_first: u32,         // the chunk's first channel
    in_batch: u32,         // elements of an input image
    out_first: u32,        // the block's first channel
    out_batch: u32,        // elements of an output image
    chain: u32,            // input channels whose products are added one after another
    bias_at: u32,          // where the block's biases are in the page, in fours
    alpha: f32,
    nan: u32,
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

fn store(value: f32, at: u32, channel: u32, inside: bool) {
    if (inside && channel < params.out_size.w) {
        output[at + channel * params.out_stride.w] = value;
    }
}

fn store4(values: vec4<f32>, at: u32, four: u32, inside: bool) {
    store(values.x, at, four * 4u, inside);
    store(values.y, at, four * 4u + 1u, inside);
    store(values.z, at, four * 4u + 2u, inside);
    store(values.w, at, four * 4u + 3u, inside);
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
    //: sums
    for (var d = 0u; d < params.window.x; d++) {
        let z_at = i32(z * params.stride.x + d * params.dilation.x) - params.pad_before.x;
        let z_inside = u32(z_at) < params.in_size.x;
        let slice = image + u32(z_at) * params.in_stride.x;
        for (var h = 0u; h < params.window.y; h++) {
            //: rows
            for (var w = 0u; w < params.window.z; w += ROW_TAPS) {
                //: columns
                let first_tap = (d * params.window.y + h) * params.window.z + w;
                let taps = params.window.x * params.window.y * params.window.z;
                for (var first = 0u; first < params.in_size.w; first += params.chain) {
                    //: parts
                    let end = min(first + params.chain, params.in_size.w);
                    for (var i = first; i < end; i++) {
                        let channel = i * params.in_stride.w;
                        let weight = (i * taps + first_tap) * FOURS;
                        //: products
                    }
                    //: fold
                }
            }
        }
    }
    let out = n * params.out_batch + params.out_first + z * params.out_stride.x;
    //: results
}
