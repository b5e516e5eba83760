// RoiAlign: the mean, or the largest corner, of bilinear samples of each bin.

@group(0) @binding(3) var<storage, read> images: array<i32>;
@group(0) @binding(4) var<storage, read_write> output: array<Word>;

const MOST_SAMPLES: u32 = 1024u;

struct RoiAxis {
    start: f32,
    bin: f32,
    samples: u32,
}

fn roi_axis(start_at: f32, end_at: f32, bins: u32) -> RoiAxis {
    let offset = select(0.0, 0.5, params.half_pixel == 1u);
    let start = scaled(start_at) - offset;
    let end = scaled(end_at) - offset;
    var length = end - start;
    if (params.half_pixel == 0u) {
        length = max(length, 1.0);
    }
    let bin = length / f32(bins);
    var samples = params.sampling_ratio;
    if (samples == 0u) {
        samples = u32(max(ceil(bin), 0.0));
        // A division that is a little too large must not add a sample, and one that is too small must not lose one.
        if (samples > 0u && f32(samples - 1u) * f32(bins) >= length) {
            samples -= 1u;
        } else if (f32(samples) * f32(bins) < length) {
            samples += 1u;
        }
    }
    return RoiAxis(start, bin, samples);
}

struct Neighbours {
    inside: bool,
    low: u32,
    high: u32,
    weight: f32,
}

fn neighbours(axis: RoiAxis, bin: u32, i: u32, length: u32) -> Neighbours {
    let at = axis.start + f32(bin) * axis.bin + (f32(i) + 0.5) * axis.bin / f32(axis.samples);
    if (!(at >= -1.0 && at <= f32(length))) {
        return Neighbours(false, 0u, 0u, 0.0);
    }
    let clipped = max(at, 0.0);
    let low = u32(clipped);
    if (low >= length - 1u) {
        return Neighbours(true, length - 1u, length - 1u, 0.0);
    }
    return Neighbours(true, low, low + 1u, clipped - f32(low));
}

// Whether all samples of a bin lie outside, and on the same side: they lie in a row.
fn all_outside(axis: RoiAxis, bin: u32, length: u32) -> bool {
    let begin = axis.start + f32(bin) * axis.bin;
    let least = min(begin, begin + axis.bin);
    let most = max(begin, begin + axis.bin);
    // By a pixel more than samples may be off.
    return most < -2.0 || least > f32(length) + 1.0;
}

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
