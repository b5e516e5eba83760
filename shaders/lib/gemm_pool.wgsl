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
    var first: vec3<u32>;
    var end: vec3<u32>;
    var padded = 1u;
    for (var axis = 0u; axis < 3u; axis++) {
        let dilation = params.pool_dilation[axis];
        let length = params.pool_window[axis];
        first[axis] = first_tap(start[axis], dilation, length);
        end[axis] = end_tap(start[axis], i32(params.out_size[axis]), dilation, length);
        padded *= end_tap(start[axis], params.pool_end[axis], dilation, length);
    }
    let w = params.pool_window;
    var best = params.identity;
    var sum = Sum();
    for (var d = first.x; d < end.x; d++) {
        for (var h = first.y; h < end.y; h++) {
            for (var i = first.z; i < end.z; i++) {
                let value = kept(in_block, ((in_tile * w.x + d) * w.y + h) * w.z + i);
                if (is_nan(value) || (!is_nan(best) && exceeds(value, best))) {
                    best = value;
                }
                add(&sum, value);
            }
        }
    }
    if (FINISH != POOL_MAX) {
        let inside = select(vec3<u32>(), end - first, end > first);
        var count = inside.x * inside.y * inside.z;
        if (FINISH == AVERAGE_PADDED) {
            count = padded;
        }
        if (params.pooled.w != 0u) {
            count = params.pooled.w;
        }
        best = average_of(result(sum), count);
    }
    store(image * params.out_batch + dot(position, params.out_stride.xyz) + channel * params.out_stride.w, best);
}
