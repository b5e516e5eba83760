//! Wrong versions of the kernels are noticed, although the bound is wider than that of other convolutions.

use crate::hardware::{cases, eager};
use wgpool_testing::support::{self, assert_noticed, engine, is_wrong, mutant, plan};
use wgpool_testing::verify::random::Rng;

type Mutant = support::Mutant<()>;

const MUTANTS: &[Mutant] = &[
    mutant!("a constant of the inputs", "5.0 * d_2_0", "4.95 * d_2_0"),
    mutant!("a sign of the inputs", "5.0 * d_3_1 + d_5_1", "5.0 * d_3_1 - d_5_1"),
    mutant!("a constant of the weights", "0.08333333333333333 * g_1_0", "0.0825 * g_1_0"),
    mutant!("a constant of the outputs", "8.0 * m_3_2", "7.95 * m_3_2"),
    mutant!(
        "the tile's last row missing",
        "row < params.in_size.x && column",
        "row + 1u < params.in_size.x && column"
    ),
    mutant!(
        "the input's edge goes on",
        "let inside = row < params.in_size.x && column < params.in_size.y;",
        "let inside = row < params.in_size.x;"
    ),
    mutant!("padding forgotten", "% params.rows * 4u) - params.pad_before.x", "% params.rows * 4u)"),
    mutant!("the output's last row missing", "row < params.stored.x", "row + 1u < params.stored.x"),
    mutant!(
        "points in another order",
        "place.to + point * place.step",
        "place.to + (point ^ 1u) * place.step"
    ),
    mutant!("what is not finite stays", "if (wrong != 0u)", "if (false)"),
    mutant!("not computed again where pooled", "(wrong & (51u <<", "(wrong & (1u <<"),
    mutant!("taps of another row", "step.x * params.tap_stride.x", "step.y * params.tap_stride.x"),
    mutant!("padding is computed", "if (at.x < params.in_size.x && at.y < params.in_size.y)", "if (true)"),
    mutant!("the bias missing", "place.bias = unpack(bias[place.channel], 0u);", ""),
    mutant!(
        "the first group's weights",
        "let first = tile / params.channel_tiles * params.out_size.z + channel;",
        "let first = channel;"
    ),
    mutant!("pooling takes the smaller", "exceeds(b, a)", "exceeds(a, b)"),
];

#[test]
fn every_mutant_is_caught() {
    assert_noticed(&eager(&engine().with_gpu_kernels()), MUTANTS, |mutant, wrong| {
        let mut rng = Rng::new(10);
        let mut shows = (0..4).flat_map(|_| cases(&mut rng, false));
        shows.any(|(case, _)| wrong.changes(&plan(&case, mutant)) && is_wrong(mutant, &case))
    });
}
