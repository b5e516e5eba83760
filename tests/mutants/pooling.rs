//! Of pooling.

use wgpool_testing::support::mutant;
use wgpool_testing::verify::random::Family::*;

use crate::Mutant;

/// Of the kernels that hardware runs.
pub const MUTANTS: &[Mutant] = &[
    mutant!(MaxPool, "the last of equal maxima", "exceeds(value, best)", "!exceeds(best, value)"),
    mutant!(MaxPool, "NaN is lost", "index < 0 || is_nan(value) || ", "index < 0 || "),
    mutant!(MaxPool, "finite start", "index < 0 || is_nan(value)", "is_nan(value)"),
    mutant!(MaxPool, "one tap too few", "(room + dilation - vec3<u32>(1u)) / dilation", "room / dilation"),
    mutant!(MaxPool, "signed bytes as unsigned", "(24u - 8u * lane)) >> 24u", "(24u - 8u * lane)) >> 25u"),
    mutant!(MaxPool, "a neighbour's word", "output[word] =", "output[word + 1u] ="),
    mutant!(MaxPool, "the halves of a word swapped", "word >> (16u * lane)", "word >> (16u * (1u - lane))"),
    mutant!(
        MaxPool,
        "a channel too far",
        "e.channel * params.in_stride.w",
        "(e.channel + 1u) * params.in_stride.w"
    ),
    mutant!(AveragePool, "padding never counts", "count = taps.padded;", "count = count;"),
    mutant!(
        AveragePool,
        "overhang counts",
        "vec3<f32>(end_taps(start, padded_end, dilation, window))",
        "vec3<f32>(window)"
    ),
    mutant!(AveragePool, "divisor ignored", "given != 0u", "false"),
    mutant!(
        AveragePool,
        "terms lost",
        "(*sum).part += term;",
        "if ((*sum).terms != 3u) { (*sum).part += term; }"
    ),
    mutant!(LpPool, "signed terms", "lp_term(abs(value)", "lp_term(value"),
    mutant!(LpPool, "no root", "scale * pow(sum, root)", "scale * sum"),
    mutant!(GlobalPool, "elements skipped", "i += SHARE", "i += SHARE + 1u"),
    mutant!(GlobalPool, "half the shares", "half = SHARE / 2u", "half = SHARE / 4u"),
    mutant!(
        GlobalPool,
        "one plane of a workgroup",
        "(WORKGROUP / SHARE) + share.task",
        "(WORKGROUP / SHARE)"
    ),
    mutant!(GlobalPool, "the next channel's share", "+ half * share.step", "+ half"),
    mutant!(GlobalPool, "NaN is lost", "is_nan(b) | (", "!is_nan(b) & ("),
    mutant!(AdaptivePool, "windows end early", "vec3<u32>(part.rest != vec3<u32>())", "vec3<u32>()"),
    mutant!(
        AdaptivePool,
        "windows start late",
        "divided(out, length % windows, windows).quotient",
        "vec3<u32>()"
    ),
    mutant!(
        FractionalMaxPool,
        "another axis' sample",
        "params.sample[axis]",
        "params.window.w - 1u - params.sample[axis]"
    ),
    mutant!(
        FractionalMaxPool,
        "the last window not at the end",
        "if (o + 1u == params.out_size[axis])",
        "if (false)"
    ),
    mutant!(
        MaxUnpool,
        "the first of equal indices",
        "atomicMax(&owner[u32(to)], number + 1u)",
        "atomicCompareExchangeWeak(&owner[u32(to)], 0u, number + 1u)"
    ),
    mutant!(MaxUnpool, "row-major throughout", "params.by_columns == 1u", "false"),
    mutant!(RoiAlign, "pixels not shifted", "select(0.0, 0.5, params.half_pixel == 1u)", "0.0"),
    mutant!(RoiAlign, "nearest neighbour", "clipped - f32(low)", "floor(clipped - f32(low) + 0.5)"),
    mutant!(
        RoiAlign,
        "bf16 rounded to zero",
        "(bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u",
        "bits >> 16u"
    ),
    mutant!(MaxRoiPool, "rounded half to even", "a - whole >= 0.5", "a - whole > 0.5"),
    mutant!(MaxRoiPool, "regions end early", "start + 1, 1)", "start, 1)"),
];

/// Of kernels that only adapters run which read tensors through pages.
pub const PAGED: &[Mutant] = &[
    mutant!(
        MaxPool,
        "NaN is no number",
        "(*largest).order = max((*largest).order, order);",
        "(*largest).order = max((*largest).order, min(order, 0xff000000u));"
    ),
    mutant!(
        MaxPool,
        "taps outside the input",
        "in_size.z, 2u) - first_last",
        "in_size.z, 2u) + 1 - first_last"
    ),
    mutant!(MaxPool, "every chunk from its first row", "chunk.row + place.row", "place.row"),
    mutant!(MaxPool, "elements of a vector mixed up", "[u32(at) & 3u]", "[u32(at) & 1u]"),
    mutant!(MaxPool, "planes too near", "plane * params.in_stride.w", "plane"),
    mutant!(MaxPool, "empty windows are zero", "Largest(0u, 0.0)", "Largest(ZERO, 0.0)"),
    mutant!(
        AveragePool,
        "terms outside the input",
        "taps_below(begin, params.in_size.x, 0u)",
        "taps_below(begin, params.padded_end.x, 0u)"
    ),
    mutant!(AveragePool, "padding counts as input", "count = u32(window.padded)", "count = count"),
    mutant!(AveragePool, "dilation along the last axis", "first_last * params.tap_step.z", "first_last"),
    mutant!(
        GlobalPool,
        "the last plane missing",
        "place.local < chunk.count",
        "place.local + 1u < chunk.count"
    ),
];
