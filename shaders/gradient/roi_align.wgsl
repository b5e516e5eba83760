// The gradient of RoiAlign's mean: a pixel an invocation, which goes through the bins of the regions of its image. What a pixel
// weighs in a bin is a product of what it does along height and width.

@group(0) @binding(3) var<storage, read> images: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

// What a position weighs in all samples of a bin along an axis.
fn weight_of(axis: RoiAxis, bin: u32, length: u32, position: u32) -> f32 {
    var weight = 0.0;
    let samples = select(axis.samples, 0u, all_outside(axis, bin, length));
    for (var i = 0u; i < samples; i++) {
        let n = neighbours(axis, bin, i, length);
        if (n.inside) {
            weight += select(0.0, 1.0 - n.weight, n.low == position);
            weight += select(0.0, n.weight, n.high == position);
        }
    }
    return weight;
}

fn compute(number: u32) {
    let e = element_of(number, vec3<u32>(1u, params.height, params.width), params.channels);
    var sum = Sum();
    for (var region = 0u; region < params.regions; region++) {
        if (images[region] != i32(e.image)) {
            continue;
        }
        let at = 4u * region;
        let columns = roi_axis(regions[at], regions[at + 2u], params.bins_w);
        let rows = roi_axis(regions[at + 1u], regions[at + 3u], params.bins_h);
        // Regions on the GPU cannot be checked before, and a huge one would keep the device busy for good, or the driver would
        // end the loops. Turns are counted in floats: they may be more than 32 bits count.
        let of_row = f32(columns.samples + 2u) * f32(params.bins_w) + f32(rows.samples + 4u);
        let turns = (of_row * f32(params.bins_h) + 2.0) * f32(params.regions);
        if (max(rows.samples, columns.samples) > MOST_SAMPLES || turns > f32(params.most_turns)) {
            add(&sum, bitcast<f32>(params.nan));
            continue;
        }
        let count = f32(max(rows.samples * columns.samples, 1u));
        for (var row = 0u; row < params.bins_h; row++) {
            let along = weight_of(rows, row, params.height, e.position.y);
            if (along == 0.0) {
                continue;
            }
            for (var column = 0u; column < params.bins_w; column++) {
                let across = weight_of(columns, column, params.width, e.position.z);
                if (across != 0.0) {
                    add(&sum, value_at(region, e.channel, row, column) / count * (along * across));
                }
            }
        }
    }
    output[number] = pack(vec4<f32>(result(sum)));
}
