//! Large windows of maximum pooling in two passes.

use super::chunks::channels_last;
use super::{Caps, Slot, Steps, pool};
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::outside::{BESIDE, MOST_COPIED};
use crate::problem::PoolWork;
use crate::spec::{Layout, PoolKind};

/// Two passes are taken where they load this many times fewer elements than one.
const WORTH_PASSES: u128 = 3;

/// Large windows in two passes with a tensor between them: along the last axis, then the others.
pub(super) fn steps(op: &'static str, work: &PoolWork, caps: &Caps) -> Result<Option<Steps>> {
    let work = &pool::simplified(work);
    let [depth, height, width] = work.axes;
    // Windows may be longer than the input where that is padded.
    let product = |numbers: [usize; 3]| numbers.iter().map(|&n| n as u128).product::<u128>();
    let across = product([depth.output * height.output, depth.kernel, height.kernel]);
    let one = across * width.kernel as u128;
    let two = product([depth.input, height.input, width.kernel]) + across;
    let adaptive = work.axes.iter().any(|a| a.adaptive);
    let divides = work.kind == PoolKind::Max && work.indices.is_none();
    if !divides || adaptive || one < WORTH_PASSES * two {
        return Ok(None);
    }
    let layout = if channels_last(&work.input, work.channels) { Layout::Nhwc } else { Layout::Nchw };
    let between = Strides::of(layout, work.channels, [depth.input, height.input, width.output]);
    let elements = work.batch * between.n;
    let bytes = (elements * work.dtype.size()).next_multiple_of(4) as u64;
    let most = MOST_COPIED * work.batch * (work.input.n + work.output.n) + BESIDE;
    if bytes > caps.max_binding || elements > most {
        return Ok(None);
    }
    let along = PoolWork {
        axes: [Axis::elements(depth.input), Axis::elements(height.input), width],
        output: between,
        ..*work
    };
    let across = PoolWork { axes: [depth, height, Axis::elements(width.output)], input: between, ..*work };
    let scratch = Slot::Scratch(0);
    let mut all = pool::steps(op, &along, caps, Slot::Input(0), scratch)?;
    all.extend(pool::steps(op, &across, caps, scratch, Slot::Output(0))?);
    let why = "two passes load fewer elements of a large window than one";
    all.iter_mut().for_each(|step| step.why = why);
    Ok(Some(Steps { scratch: vec![bytes], ..Steps::from(all) }))
}

#[cfg(test)]
mod tests {
    use super::*;
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
            for (caps, passes) in [(Caps::default(), hardware), (paged, software)] {
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
