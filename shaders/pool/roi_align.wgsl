// RoiAlign: the mean, or the largest corner, of bilinear samples of each bin.

@group(0) @binding(3) var<storage, read> images: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

fn pooled(b: Bin) -> f32 {
    let at = 4u * b.region;
    let columns = roi_axis(regions[at], regions[at + 2u], params.bins_w);
    let rows = roi_axis(regions[at + 1u], regions[at + 3u], params.bins_h);
    let image = u32(images[b.region]);
    // Regions on the GPU cannot be checked before, and a huge one would keep the device busy for good.
    if (max(rows.samples, columns.samples) > MOST_SAMPLES || too_many(rows.samples, columns.samples)) {
        return bitcast<f32>(params.nan);
    }
    var sum = Sum();
    var largest = 0.0;
    var any_sample = false;
    // An image that is not there is read nowhere: its bins are 0.
    let samples = select(0u, rows.samples, image < params.images);
    let beside = all_outside(columns, b.column, params.width);
    for (var iy = 0u; iy < samples; iy++) {
        let v = neighbours(rows, b.row, iy, params.height);
        // Outside, all samples of a row are 0: one does for all.
        let touching = select(min(columns.samples, 1u), columns.samples, v.inside && !beside);
        for (var ix = 0u; ix < touching; ix++) {
            let h = neighbours(columns, b.column, ix, params.width);
            var corners = vec4<f32>();
            if (v.inside && h.inside) {
                corners = vec4<f32>(
                    (1.0 - v.weight) * (1.0 - h.weight) * value_at(image, b.channel, v.low, h.low),
                    (1.0 - v.weight) * h.weight * value_at(image, b.channel, v.low, h.high),
                    v.weight * (1.0 - h.weight) * value_at(image, b.channel, v.high, h.low),
                    v.weight * h.weight * value_at(image, b.channel, v.high, h.high),
                );
            }
            add(&sum, (corners.x + corners.y) + (corners.z + corners.w));
            let top = larger(larger(corners.x, corners.y), larger(corners.z, corners.w));
            if (any_sample) {
                largest = larger(largest, top);
            } else {
                largest = top;
            }
            any_sample = true;
        }
    }
    if (params.take_max == 1u) {
        return largest;
    }
    return result(sum) / f32(max(rows.samples * columns.samples, 1u));
}
