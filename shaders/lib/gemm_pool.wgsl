// Pooling of a tile in workgroup memory: HELD channels at the columns of whole windows.

const AVERAGE_PADDED: u32 = 4u;

fn kept(channel: u32, column: u32) -> f32 {
    return tiles[channel * (TILE / 4u + 1u) + column / 4u][column % 4u];
}

fn pool_tile(channel_group: u32, first_channel: u32, tile: u32, local: u32) {
    let count = HELD * params.windows;
    for (var item = local; item < count; item += WORKGROUP) {
        let in_tile = select(item % params.windows, item / HELD, CHANNELS_LAST);
        let in_block = select(item / params.windows, item % HELD, CHANNELS_LAST);
        let channel = first_channel + in_block;
        let window = tile * params.windows + in_tile;
        if (channel < params.out_size.w && window < params.columns) {
            pool_window(channel_group * params.out_size.w + channel, in_block, window, in_tile);
        }
    }
}

fn pool_window(channel: u32, in_block: u32, window: u32, in_tile: u32) {
    var rest = window;
    var position: vec3<u32>;
    position.z = rest % params.pooled.z;
    rest /= params.pooled.z;
    position.y = rest % params.pooled.y;
    rest /= params.pooled.y;
    position.x = rest % params.pooled.x;
    let image = rest / params.pooled.x;
    let start = vec3<i32>(position * params.pool_stride.xyz) - params.pool_before.xyz;
    let taps = taps_of(
        start,
        params.out_size.xyz,
        params.pool_end.xyz,
        params.pool_dilation.xyz,
        params.pool_window.xyz,
    );
    let w = params.pool_window;
    var best = params.identity;
    var sum = Sum();
    var tap = taps.first;
    // One loop over all axes: FXC takes long over loops in loops.
    while (all(tap < taps.end)) {
        let value = kept(in_block, ((in_tile * w.x + tap.x) * w.y + tap.y) * w.z + tap.z);
        best = larger(best, value);
        add(&sum, value);
        tap.z += 1u;
        let row_ends = tap.z >= taps.end.z;
        tap.z = select(tap.z, taps.first.z, row_ends);
        tap.y += u32(row_ends);
        let plane_ends = tap.y >= taps.end.y;
        tap.y = select(tap.y, taps.first.y, plane_ends);
        tap.x += u32(plane_ends);
    }
    if (FINISH != POOL_MAX) {
        let count = divisor_of(taps, FINISH == AVERAGE_PADDED, params.pooled.w);
        best = average_of(result(sum), count);
    }
    store(image * params.out_batch + dot(position, params.out_stride.xyz) + channel * params.out_stride.w, best);
}
