//! Of kernels and steps for drivers that end long loops.

use wgpool_testing::support::mutant;
use wgpool_testing::verify::random::Family::*;

use crate::Mutant;

pub const MUTANTS: &[Mutant] = &[
    mutant!(Softmax, "elements skipped", "i += WORKGROUP", "i += WORKGROUP + 1u"),
    mutant!(Softmax, "the sum of one invocation", "fold(result(sum), beside(local), false)", "result(sum)"),
    mutant!(Softmax, "rows of another workgroup", "base_of(min(number,", "base_of(min(number + 1u,"),
    mutant!(Conv, "sums begin anew", "!is_set(p, params.from_channel)", "true"),
    mutant!(Conv, "channels twice", "var i = params.from_channel; i < end", "var i = 0u; i < end"),
    mutant!(Conv, "the first channels again", "x_first + params.from_channel", "x_first + 0u"),
    mutant!(ConvInteger, "sums begin anew", "is_set(p, params.from_channel)", "false"),
    mutant!(
        ConvInteger,
        "channels twice",
        "var i = params.from_channel; i < channels",
        "var i = 0u; i < channels"
    ),
    mutant!(ConvTranspose, "sums begin anew", "!is_set(p, params.from_channel)", "true"),
];
