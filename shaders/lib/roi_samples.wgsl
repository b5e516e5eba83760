// Where the bilinear samples of bins lie.

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
