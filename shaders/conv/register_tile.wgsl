//: constants
// Direct convolution in register tiles: an invocation computes a tile of positions times a block of output channels, of
// one group, from some chunks of the input channels; a dispatch computes several blocks, each workgroup one. A chunk of a
// region of the input, padded, lies in a uniform page in the order of pack/input.wgsl, its weights in another in that of
// pack/weights.wgsl. The lines marked `//:` stand for unrolled ones, which `src/kernel/conv/register_tile.rs` writes for a tile.

// Whether sums begin here or go on with what the output holds, and whether they end here.
override FIRST: bool = true;
override LAST: bool = true;

@group(0) @binding(0) var<uniform> params: TiledParams;
//: bindings
//: output

// Of this invocation's block: where its weights begin in a page, in fours, and its output channels.
var<private> weights_at: u32;
var<private> outputs: u32;

fn finished(sum: vec4<f32>, at: u32, four: u32) -> vec4<f32> {
    if (!LAST) {
        return sum;
    }
    let y = sum + weights0[weights_at + params.bias_at + four];
    let x = vec4<f32>(
        with_residual(y.x, place_of(at, four * 4u)),
        with_residual(y.y, place_of(at, four * 4u + 1u)),
        with_residual(y.z, place_of(at, four * 4u + 2u)),
        with_residual(y.w, place_of(at, four * 4u + 3u)),
    );
    let channel = params.out_first / params.out_stride.w + params.out_size.w - outputs + four * 4u;
    return vec4<f32>(
        activate(x.x, alpha_beta_of(channel)),
        activate(x.y, alpha_beta_of(channel + 1u)),
        activate(x.z, alpha_beta_of(channel + 2u)),
        activate(x.w, alpha_beta_of(channel + 3u)),
    );
}

fn store(value: f32, at: u32, channel: u32) {
    if (channel < outputs) {
        output[at + channel * params.out_stride.w] = value;
    }
}

fn store4(values: vec4<f32>, at: u32, four: u32) {
    store(values.x, at, four * 4u);
    store(values.y, at, four * 4u + 1u);
    store(values.z, at, four * 4u + 2u);
    store(values.w, at, four * 4u + 3u);
}

// Where a channel is stored, or the last for those behind it.
fn place_of(at: u32, channel: u32) -> u32 {
    return at + min(channel, outputs - 1u) * params.out_stride.w;
}

fn stored(at: u32, channel: u32) -> f32 {
    return output[place_of(at, channel)];
}

fn go_on(sum: vec4<f32>, at: u32, four: u32) -> vec4<f32> {
    if (FIRST) {
        return sum;
    }
    let c = four * 4u;
    return vec4<f32>(stored(at, c), stored(at, c + 1u), stored(at, c + 2u), stored(at, c + 3u)) + sum;
}

fn take_largest(key: ptr<function, vec4<u32>>, values: vec4<f32>, inside: bool) {
    *key = max(*key, select(vec4<u32>(), key_of(values), inside));
}

fn take_sum(sum: ptr<function, vec4<f32>>, values: vec4<f32>, inside: bool) {
    *sum += select(vec4<f32>(), values, inside);
}

// What the sum of the window that begins here is divided by. Windows behind the last count nothing that is stored.
fn counted(y: u32, x: u32) -> f32 {
    let count = min(params.pool.y - y, params.pool.x) * min(params.pool.z - x, POOL);
    return f32(select(count, params.pool.w, params.pool.w != 0u));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    //: arguments
) {
    let number = invocation_number(group, groups, local);
    let block = min(number / params.blocks.x, params.blocks.y - 1u);
    weights_at = block * params.blocks.z;
    outputs = params.out_size.w - block * FOURS * 4u;
    // Lanes behind the last tile compute it once more and store nothing: all of a subgroup fetch weights.
    let in_block = number - block * params.blocks.x;
    let works = in_block < params.tiles.w;
    var rest = min(in_block, params.tiles.w - 1u);
    let tile_x = rest % params.tiles.x;
    rest /= params.tiles.x;
    let tile_y = rest % params.tiles.y;
    rest /= params.tiles.y;
    let tile = vec4<u32>(tile_x, tile_y, rest % params.tiles.z, rest / params.tiles.z);
    let x0 = params.first.x + tile.x * TILE_W;
    let y0 = params.first.y + tile.y * params.pool.x;
    let z = params.first.z + tile.z;
    let n = params.first.w + tile.w;
    //: windows
    //: for each row of the windows
    let start = dot(tile, params.tile_step) + row * params.steps_along.y;
    //: sums
    //: pages
    //: take
    //: end
    // A loop that drivers do not unroll stores what the tile holds.
    //: results
    let y = y0 / params.pool.x;
    let out = n * params.out_batch + params.out_first + block * params.blocks.w
        + z * params.out_stride.x + y * params.out_stride.y;
    for (var i = 0u; i < params.positions; i++) {
        let x = x0 / POOL + i;
        if (works && x < params.bounds.x && y < params.bounds.y) {
            let at = out + x * params.out_stride.z;
            //: stores
        }
    }
}
