//! Large windows of maximum pooling in two passes.

use super::chunks::channels_last;
use super::patch;
use super::request::Request;
use crate::geometry::{Axis, Strides};
use crate::outside::{BESIDE, MOST_COPIED};
use crate::plan::Planner;
use crate::plan::planner::Verdict;
use crate::problem::PoolWork;
use crate::spec::{Layout, PoolKind};

/// Two passes are taken where they load this many times fewer elements than one.
const WORTH_PASSES: u128 = 3;

pub(super) fn applies(Request { work, alone, .. }: &Request, p: &Planner) -> Verdict {
    if !alone {
        return Err("it needs memory of its own, and this pooling is a part of another operation");
    }
    let adaptive = work.axes.iter().any(|a| a.adaptive);
    if work.kind != PoolKind::Max || work.indices.is_some() || adaptive {
        return Err("it computes maxima of sliding windows alone");
    }
    let elements = work.batch * between(work).n;
    let most = MOST_COPIED * work.batch * (work.input.n + work.output.n) + BESIDE;
    match elements > most || bytes(work) > p.caps.max_binding {
        true => Err("the tensor between the passes is too large"),
        false => Ok(()),
    }
}

pub(super) fn cost(request: &Request, p: &Planner) -> Verdict {
    let [depth, height, width] = request.work.axes;
    // Windows may be longer than the input where that is padded.
    let product = |numbers: [usize; 3]| numbers.iter().map(|&n| n as u128).product::<u128>();
    let across = product([depth.output * height.output, depth.kernel, height.kernel]);
    let one = across * width.kernel as u128;
    let two = product([depth.input, height.input, width.kernel]) + across;
    if one < WORTH_PASSES * two {
        return Err("one pass loads few enough elements");
    }
    // GPUs move the tensor between passes at the cost of many loads of one pass.
    match !p.caps.software && (patch::CANDIDATE.solve)(request, p).is_ok() {
        true => Err("moving the tensor between passes costs more than windows that are written out"),
        false => Ok(()),
    }
}

/// The tensor between the passes.
fn between(work: &PoolWork) -> Strides {
    let [depth, height, width] = work.axes;
    let layout = if channels_last(&work.input, work.channels) { Layout::Nhwc } else { Layout::Nchw };
    Strides::of(layout, work.channels, [depth.input, height.input, width.output])
}

fn bytes(work: &PoolWork) -> u64 {
    (work.batch * between(work).n * work.dtype.size()).next_multiple_of(4) as u64
}

/// Both passes, and the bytes of the tensor between them.
pub(super) fn passes(work: &PoolWork) -> ([PoolWork; 2], u64) {
    let [depth, height, width] = work.axes;
    let strides = between(work);
    let along = PoolWork {
        axes: [Axis::elements(depth.input), Axis::elements(height.input), width],
        output: strides,
        ..*work
    };
    let across = PoolWork { axes: [depth, height, Axis::elements(width.output)], input: strides, ..*work };
    ([along, across], bytes(work))
}

#[cfg(test)]
mod tests {
    use crate::Caps;
    use crate::plan::Plan;
    use crate::spec::{Padding, Pool};
    use crate::tensor::TensorDesc;

    #[test]
    fn windows_that_are_written_out_or_small_or_strided_take_one_pass() {
        let paged = Caps { software: true, paged: true, ..Caps::default() };
        let steps = |pool: Pool, caps: Caps| {
            let plan = Plan::new(&pool.into(), &[TensorDesc::f32([1, 64, 20, 20])], &caps).unwrap();
            (plan.steps.len() > 1, plan.scratch.len())
        };
        let same = |side: usize| Pool::max([side]).stride([1]).padding(Padding::SameUpper);
        for (pool, hardware, software) in [
            (same(3), false, false),
            (same(5), false, false),
            // Hardware writes out 49 taps.
            (same(7), false, true),
            (same(13), true, true),
            (Pool::average([13]).stride([1]).padding(Padding::SameUpper), false, false),
            (same(13).stride([13]), false, false),
        ] {
            for (caps, passes) in [(Caps::default(), hardware), (paged.clone(), software)] {
                assert_eq!(steps(pool.clone(), caps), (passes, usize::from(passes)), "{pool:?}");
            }
        }
        // What lies between the passes is as large as the input.
        let narrow = Caps { max_binding: 4 * 64 * 400, ..Caps::default() };
        assert_eq!(steps(same(13), narrow), (true, 1));
        let longer = same(13).padding(Padding::symmetric([0, 12]));
        assert_eq!(steps(longer, Caps { max_binding: 4 * 64 * 400, ..Caps::default() }).1, 0);
    }
}
