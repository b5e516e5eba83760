//! Pooling that reads its input through pages.

use super::chunks::{Rows, channels_last};
use super::pages::{self, PagedStep};
use super::{Caps, PAGES, Slot, Step, Steps};
use crate::error::Result;
use crate::geometry::{Axis, Strides};
use crate::kernel::params::PagesParams;
use crate::kernel::{KernelKey, Reduce, Taps};
use crate::problem::PoolWork;
use crate::spec::{Layout, PoolKind};
use crate::tensor::DType;

/// Two passes are taken where they load this many times fewer elements than one.
const WORTH_PASSES: u128 = 3;

/// Pools the tensor in `from` into that in `to`, if the device reads pages and the work is one for them.
pub(super) fn steps(
    op: &'static str,
    work: &PoolWork,
    caps: &Caps,
    from: Slot,
    to: Slot,
) -> Result<Option<Vec<Step>>> {
    let kind = matches!(work.kind, PoolKind::Max | PoolKind::Average { .. });
    if !caps.paged || !kind || work.dtype != DType::F32 || work.indices.is_some() {
        return Ok(None);
    }
    let Some(rows) = Rows::of(&work.axes, work.batch, work.channels, &work.input) else { return Ok(None) };
    let size = 4 * (work.batch * work.input.n) as u64;
    let Some(chunks) = rows.chunks(size, PAGES, caps) else { return Ok(None) };
    let params = PagesParams { divisor: super::pool::divisor(work), ..pages::params(op, &rows)? };
    let kernel = KernelKey::PoolPages { reduce: Reduce::from(work.kind), taps: taps(&rows, caps) };
    let step = PagedStep { kernel, params, from, count: PAGES, beside: &[], to };
    step.of_all(op, &chunks, caps).map(Some)
}

/// Large windows of max pooling in two passes with a tensor between them: along the last axis, then the others.
pub(super) fn passes(op: &'static str, work: &PoolWork, caps: &Caps) -> Result<Option<Steps>> {
    let [depth, height, width] = work.axes;
    // Windows may be far longer than the input where that is padded.
    let product = |numbers: [usize; 3]| numbers.iter().map(|&n| n as u128).product::<u128>();
    let across = product([depth.output * height.output, depth.kernel, height.kernel]);
    let one = across * width.kernel as u128;
    let two = product([depth.input, height.input, width.kernel]) + across;
    let adaptive = work.axes.iter().any(|a| a.adaptive);
    if !caps.paged || work.kind != PoolKind::Max || adaptive || one < WORTH_PASSES * two {
        return Ok(None);
    }
    let layout = if channels_last(&work.input, work.channels) { Layout::Nhwc } else { Layout::Nchw };
    let between = Strides::of(layout, work.channels, [depth.input, height.input, width.output]);
    let along =
        PoolWork { axes: [untouched(depth.input), untouched(height.input), width], output: between, ..*work };
    let across = PoolWork { axes: [depth, height, untouched(width.output)], input: between, ..*work };
    let scratch = Slot::Scratch(0);
    let first = steps(op, &along, caps, Slot::Input(0), scratch)?;
    let Some((mut all, second)) = first.zip(steps(op, &across, caps, scratch, Slot::Output(0))?) else {
        return Ok(None);
    };
    all.extend(second);
    let why = "two passes load fewer elements of a large window than one";
    all.iter_mut().for_each(|step| step.why = why);
    Ok(Some(Steps { scratch: vec![4 * (work.batch * between.n) as u64], ..Steps::from(all) }))
}

/// How the windows are gone through.
fn taps(rows: &Rows, caps: &Caps) -> Taps {
    let last = rows.axes[2];
    let touch =
        last.stride == 2 && last.dilation == 1 && last.pad_before == 0 && 2 * last.output <= last.input;
    let [row, middle, _, plane] = rows.strides;
    let whole = [row, middle, plane, caps.uniform_alignment as usize / 4].iter().all(|n| n.is_multiple_of(4));
    match rows.taps {
        Taps::Few { side: 2, fours: true } if touch && whole => Taps::Pairs,
        taps => taps,
    }
}

/// Windows of one element each.
fn untouched(length: usize) -> Axis {
    Axis { input: length, output: length, ..Axis::UNIT }
}
