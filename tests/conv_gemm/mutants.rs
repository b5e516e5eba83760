//! Wrong versions of the kernels are noticed.

use wgpool::kernel::GemmFinish::{self, *};
use wgpool_testing::verify::random::Rng;

use crate::ways;
use wgpool_testing::support::{self, assert_noticed, engine, is_wrong, mutant, plan};

type Mutant = support::Mutant<GemmFinish>;

const MUTANTS: &[Mutant] = &[
    mutant!(Store, "the edge of the input repeated", "x, inside);", "x, s.there);"),
    mutant!(Store, "a carry lost", "n.y += u32(carry_z);", ""),
    mutant!(
        Store,
        "eight rows twice",
        "tiles[b_at + ROWS * line] = vec4<f32>(b_1);",
        "tiles[b_at + ROWS * line] = vec4<f32>(b_0);"
    ),
    mutant!(Store, "parts counted twice", "(*sums).part_lower = mat4x4<f32>();", ""),
    mutant!(Store, "blocks counted twice", "(*sums).block_lower = mat4x4<f32>();", ""),
    mutant!(Store, "the lower channels above", "tiles[r * line + mine.x + 8u]", "tiles[r * line + mine.x]"),
    mutant!(
        Store,
        "chains: the first columns again",
        "tiles[(STEP + r) * line + mine.y + 8u]",
        "tiles[(STEP + r) * line + mine.y]"
    ),
    mutant!(Store, "chains: a product left out", "(*sums).upper_right[2] += c.z * d;", ""),
    mutant!(
        Max,
        "chains: the right columns twice",
        "mine.y, (*sums).lower_left)",
        "mine.y, (*sums).lower_right)"
    ),
    mutant!(Store, "groups share channels", "channel_group * params.in_group", "0u"),
    mutant!(Store, "images share a base", "c.image * params.in_batch", "params.in_batch"),
    mutant!(Store, "columns of another tile", "tile * TILE + local", "tile * (TILE - 1u) + local"),
    mutant!(Store, "bias of another channel", "bias[own]", "bias[channel]"),
    mutant!(Store, "packed: digits repeat", "rest /= params.length[digit];", ""),
    mutant!(Store, "packed: the first tile's channels", "tile % params.tiles * params.tile", "0u"),
    mutant!(Store, "packed: the first group's", "tile / params.tiles * params.group_out", "0u"),
    mutant!(Store, "packed: a channel twice", "weight(at, channel + 2u)", "weight(at, channel + 1u)"),
    mutant!(Partial, "every part the first", "p.begin = p.part * params.part_rows;", "p.begin = 0u;"),
    mutant!(Partial, "parts overlap", "min(params.rows, p.begin + params.part_rows)", "params.rows"),
    mutant!(Partial, "the last part left out", "part < params.parts", "part + 1u < params.parts"),
    mutant!(Partial, "the first channel's bias", "number / params.channel_stride % params.channels", "0u"),
    mutant!(Store, "the residual left out", "return sum + f32(residuals[at]);", "return sum;"),
    mutant!(
        Store,
        "the residual after the activation",
        "activate(with_residual(value.x, at.x), alpha_beta)",
        "with_residual(activate(value.x, alpha_beta), at.x)"
    ),
    mutant!(
        Store,
        "another column's residual",
        "with_residual(value.z, at.z)",
        "with_residual(value.z, at.w)"
    ),
    mutant!(Partial, "parts without the residual", "sum = with_residual(sum, number);", ""),
    mutant!(Partial, "no bias", "params.has_bias != 0u", "false"),
    mutant!(Partial, "no activation", "activate(sum, alpha_beta_of(channel))", "sum"),
    mutant!(Max, "NaN is lost", "is_nan(b) | (!is_nan(a)", "(!is_nan(a)"),
    mutant!(Max, "a transposed window", "+ tap.y) * w.z + tap.z", "+ tap.z) * w.z + tap.y"),
    mutant!(
        Max,
        "one window of a tile",
        "let window = local / (plane * params.pool_window.x);",
        "let window = local;"
    ),
    mutant!(Max, "the activation missing", "activate(with_residual(value.x, at.x), alpha_beta)", "value.x"),
    mutant!(Max, "pooling is not padded", "- params.pool_before.z;", ";"),
    mutant!(Average, "the divisor ignored", "given != 0u", "false"),
    mutant!(Average, "padding counts", "count = f32(count_inside(taps));", "count = taps.padded;"),
    mutant!(AveragePadded, "padding does not count", "count = taps.padded;", ""),
];

/// Of `conv/cooperative.wgsl`.
const COOPERATIVE: &[Mutant] = &[
    mutant!(Store, "a carry lost", "n.y += u32(carry_z);", ""),
    mutant!(Store, "rows of weights twice", "a_rows[(weight_row + 4u)", "a_rows[(weight_row + 8u)"),
    mutant!(Store, "rows of inputs twice", "] = b_1;", "] = b_0;"),
    mutant!(Store, "the first rows again", "b_from + 8u * LINE", "b_from + 0u * LINE"),
    mutant!(Store, "weights by rows", "let a_0 = coopLoad<", "let a_0 = coopLoadT<"),
    mutant!(Store, "a product left out", "part_10 = coopMultiplyAdd(a_1, b_0, part_10);", ""),
    mutant!(
        Store,
        "the other columns",
        "coopMultiplyAdd(a_0, b_1, part_01)",
        "coopMultiplyAdd(a_0, b_0, part_01)"
    ),
    mutant!(Store, "parts counted twice", "+ part_11;\npart_11 = coop_mat8x8<f32, C>();", "+ part_11;"),
    mutant!(Store, "blocks counted twice", "+ block_00;\nblock_00 = coop_mat8x8<f32, C>();", "+ block_00;"),
    mutant!(Store, "blocks left out", "total_10 + (block_10 + part_10)", "total_10 + part_10"),
    mutant!(Store, "the lower channels above", "if (upper == 1u)", "if (upper == 0u)"),
    mutant!(Store, "one subgroup's columns", "subgroup % 2u * (SIDE / 2u)", "0u"),
    mutant!(Store, "channels of the next matrices", "first + 8u, row", "first + 0u, row"),
    mutant!(Partial, "every part the first", "p.begin = p.part * params.part_rows;", "p.begin = 0u;"),
    mutant!(Max, "NaN is lost", "is_nan(b) | (!is_nan(a)", "(!is_nan(a)"),
    mutant!(
        Max,
        "pooled before the activation",
        "] = value;\n        } else",
        "] = tiles[r * (SIDE + 1u) + quad];\n        } else"
    ),
    mutant!(Average, "padding counts", "count = f32(count_inside(taps));", "count = taps.padded;"),
];

#[test]
fn every_mutant_is_caught() {
    let engine = engine();
    let mutants = if engine.caps().cooperative.is_some() { COOPERATIVE } else { MUTANTS };
    assert_noticed(engine, mutants, |mutant, wrong| {
        let mut rng = Rng::new(3);
        let ways = ways::ways(engine.caps()).into_iter();
        let mut shows = ways.filter(|way| way.finish == wrong.on).cycle().take(60);
        shows.any(|way| {
            let (engine, case) = ways::case(&mut rng, mutant, way);
            wrong.changes(&plan(&case, &engine)) && is_wrong(&engine, &case)
        })
    });
}
