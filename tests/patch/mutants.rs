//! Wrong versions of the kernels are noticed.

use wgpool::kernel::Reduce;
use wgpool_testing::verify::random::Rng;

use crate::ways::{self, What};
use wgpool_testing::support::{self, assert_noticed, engine, forced, is_wrong, mutant, plan};

type Mutant = support::Mutant<What>;

const MAX: What = What::Pool(Reduce::Max);
const MEAN: What = What::Pool(Reduce::Average);
const PADDED: What = What::Pool(Reduce::AveragePadded);
const DEPTHWISE: What = What::Depthwise;

const MUTANTS: &[Mutant] = &[
    mutant!(
        MAX,
        "NaN is no number",
        "& Ints(0x7fffffff))) - 0x807fffffu",
        "& Ints(0x7fffffff))) - 0x80800000u"
    ),
    mutant!(MAX, "the smallest", "return max(a, b);", "return min(a, b);"),
    mutant!(MAX, "a row of the patch again", "window_1 = join(window_1, of_row);", "window_1 = window_0;"),
    mutant!(MAX, "the patch's rows stored in one place", "u32(place.row + row) *", "u32(place.row) *"),
    mutant!(MAX, "patches overlap", "* TALL", ""),
    mutant!(MAX, "patches overlap along the width", "place.column * WIDE", "place.column"),
    mutant!(MAX, "one vector twice", ") >> 2u) + 1;", ") >> 2u);"),
    mutant!(MAX, "planes share their input", "place.plane * params.in_plane", "0u"),
    mutant!(MAX, "channels share their input", "params.in_plane + place.inner", "params.in_plane"),
    mutant!(
        MAX,
        "padding is zero",
        "const NOTHING: Values = Values(0u)",
        "const NOTHING: Values = Values(0x807fffffu)"
    ),
    mutant!(
        MEAN,
        "columns outside the input",
        "value_of(Floats(input[at])), there)",
        "value_of(Floats(input[at])), true)"
    ),
    mutant!(MEAN, "rows outside the input", "let there = is_inside(y", "let there = true || is_inside(y"),
    mutant!(MEAN, "columns mixed up", "Ints(0, 1, 2, 3)", "Ints(0, 1, 3, 2)"),
    mutant!(MEAN, "the divisor ignored", "params.divisor != 0u", "false"),
    mutant!(PADDED, "padding does not count", "REDUCE == AVERAGE_PADDED", "false"),
    mutant!(PADDED, "overhang counts", "params.padded_end.x, ROWS", "10000, ROWS"),
    mutant!(
        DEPTHWISE,
        "columns outside the input",
        "Uints(at) < Uints(u32(length))",
        "Uints(at) == Uints(at)"
    ),
    mutant!(
        DEPTHWISE,
        "rows outside the input",
        "let there = is_inside(y",
        "let there = true || is_inside(y"
    ),
    mutant!(DEPTHWISE, "a transposed kernel", "u * params.tap_stride.x", "u * params.tap_stride.y"),
    mutant!(DEPTHWISE, "the first channel's kernel", "channel * params.tap_out", "0u * params.tap_out"),
    mutant!(DEPTHWISE, "four channels' kernels", "at + 2u * step", "at + step"),
    mutant!(DEPTHWISE, "the first channel's bias", "bias[u32(channel)]", "bias[0]"),
    mutant!(DEPTHWISE, "the first four channels' bias", "let at = u32(channel);", "let at = 0u;"),
    mutant!(DEPTHWISE, "no bias", "params.has_bias == 1u", "false"),
    mutant!(DEPTHWISE, "as many channels as outputs", "place.plane / params.multiplier", "place.plane"),
    mutant!(DEPTHWISE, "no activation", "alpha_beta.x * x, x < 0.0", "x, x < 0.0"),
];

#[test]
fn every_mutant_is_caught() {
    assert_noticed(engine(), MUTANTS, |mutant, wrong| {
        let mut rng = Rng::new(3);
        let mut shows = ways::ways(false).into_iter().filter(|way| way.what == wrong.on).cycle().take(120);
        shows.any(|way| {
            let mutant = forced(mutant, ways::kernel(way));
            let case = ways::case(&mut rng, mutant.caps(), way);
            wrong.changes(&plan(&case, &mutant)) && is_wrong(&mutant, &case)
        })
    });
}
