//! Wrong versions of the kernels are noticed.

use wgpool::kernel::GemmFinish::{self, *};
use wgpool::verify::random::Rng;

use crate::support::{self, assert_noticed, engine, is_wrong, mutant};
use crate::ways;

type Mutant = support::Mutant<GemmFinish>;

const MUTANTS: &[Mutant] = &[
    mutant!(Store, "padding times infinity", "own.there[lane] && is_nan(sum[lane])", "false"),
    mutant!(Store, "the edge of the input repeated", "x, inside);", "x, s.there);"),
    mutant!(Store, "a carry lost", "n.y += u32(carry_z);", ""),
    mutant!(
        Store,
        "eight rows twice",
        "tiles[b_at + ROWS * line] = b_1;",
        "tiles[b_at + ROWS * line] = b_0;"
    ),
    mutant!(Store, "parts counted twice", "(*sums).part_lower = mat4x4<f32>();", ""),
    mutant!(Store, "blocks counted twice", "(*sums).block_lower = mat4x4<f32>();", ""),
    mutant!(Store, "the lower channels above", "tiles[r * line + row + 8u]", "tiles[r * line + row]"),
    mutant!(Store, "groups share channels", "channel_group * params.in_size.w * params.in_stride.w", "0u"),
    mutant!(Store, "images share a base", "c.image * params.in_batch", "params.in_batch"),
    mutant!(Store, "columns of another tile", "tile * TILE + local", "tile * (TILE - 1u) + local"),
    mutant!(Store, "bias of another channel", "bias[own.channel_group", "bias[0u * own.channel_group"),
    mutant!(Store, "packed: digits repeat", "rest /= params.length[digit];", ""),
    mutant!(Store, "packed: the first tile's channels", "tile % params.tiles * params.tile", "0u"),
    mutant!(Store, "packed: the first group's", "tile / params.tiles * params.group_out", "0u"),
    mutant!(Store, "packed: a channel twice", "weight(at, channel + 2u)", "weight(at, channel + 1u)"),
    mutant!(Partial, "every part the first", "let begin = part * params.part_rows;", "let begin = 0u;"),
    mutant!(Partial, "parts overlap", "min(params.rows, begin + params.part_rows)", "params.rows"),
    mutant!(Partial, "the last part left out", "part < params.parts", "part + 1u < params.parts"),
    mutant!(Partial, "the first channel's bias", "number / params.channel_stride % params.channels", "0u"),
    mutant!(Partial, "no bias", "params.has_bias != 0u", "false"),
    mutant!(Partial, "no activation", "activate(sum, params.alpha)", "sum"),
    mutant!(Max, "NaN is lost", "is_nan(value) || (!is_nan(best)", "(!is_nan(best)"),
    mutant!(Max, "a transposed window", "+ h) * w.z + i", "+ i) * w.z + h"),
    mutant!(
        Max,
        "one window of a tile",
        "let window = local / (plane * params.pool_window.x);",
        "let window = local;"
    ),
    mutant!(Max, "the activation missing", "activate(value.x, params.alpha)", "value.x"),
    mutant!(Max, "pooling is not padded", "- params.pool_before.z;", ";"),
    mutant!(Average, "the divisor ignored", "params.pooled.w != 0u", "false"),
    mutant!(Average, "padding counts", "inside.x * inside.y * inside.z", "padded"),
    mutant!(AveragePadded, "padding does not count", "count = padded;", ""),
];

#[test]
fn every_mutant_is_caught() {
    assert_noticed(&engine().as_hardware(), MUTANTS, |mutant, Mutant { on: finish, .. }| {
        let mut rng = Rng::new(3);
        let mut shows = ways::ways(false).into_iter().filter(|way| way.finish == *finish).cycle().take(60);
        shows.any(|way| {
            let (engine, case) = ways::case(&mut rng, mutant, way);
            let inputs: Vec<_> = case.inputs.iter().collect();
            is_wrong(&engine, &case.op, &inputs)
        })
    });
}
