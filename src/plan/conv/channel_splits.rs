//! Direct convolution in several dispatches, where one would make more loop iterations than the device runs.

use std::ops::Range;

use crate::error::Result;
use crate::plan::loop_limit::Iterations;
use crate::plan::{Planner, Step};
use crate::problem::ConvWork;

/// Dispatches of a convolution at most.
const MOST_STEPS: usize = 512;

/// Steps that sum up some input channels of each group, one after another: the output carries the sum, bias, residual
/// and activation come last. `iterations` says how often loops over some channels iterate, `step` makes the step of some.
pub(in crate::plan) fn steps(
    p: &Planner,
    work: &ConvWork,
    iterations: impl Fn(usize) -> Iterations,
    step: impl Fn(&ConvWork, Range<usize>) -> Result<Step>,
) -> Result<Vec<Step>> {
    let all = work.group_in;
    if iterations(all).fit(p) {
        return Ok(vec![step(work, 0..all)?]);
    }
    // The most channels of a step are found by halving.
    let (mut fit, mut beyond) = (0, all);
    while beyond - fit > 1 {
        let middle = fit.midpoint(beyond);
        match iterations(middle).fit(p) {
            true => fit = middle,
            false => beyond = middle,
        }
    }
    // Sums in 16 bits would lose what they carry.
    if fit == 0 || work.dtype.size() < 4 || all.div_ceil(fit) > MOST_STEPS {
        iterations(all).check(p)?;
    }
    let before = ConvWork { bias: false, ..work.without_residual() };
    let chunks = (0..all).step_by(fit.max(1)).map(|from| from..all.min(from + fit));
    chunks
        .map(|channels| {
            let last = channels.end == all;
            let step = step(if last { work } else { &before }, channels)?;
            Ok(Step {
                why: "the driver ends long loops, so that sums go on from dispatch to dispatch",
                ..step
            })
        })
        .collect()
}
