//! The kernel for the gradient of RoiAlign.

use crate::error::{Error, Result};
use crate::kernel::{RoiAlignGradient, RoiParams};
use crate::plan::loop_limit::RULE;
use crate::plan::pool::roi::params;
use crate::plan::{Caps, Planner, Slot, Step};
use crate::problem::RoiAlignWork;
use crate::tensor::{Data, Tensor};

pub(super) fn align(p: &Planner, work: &RoiAlignWork) -> Result<Step> {
    let shape = &work.shape;
    let total = shape.batch * shape.input.n;
    let params = RoiParams {
        sampling_ratio: p.u32(work.sampling_ratio)?,
        half_pixel: u32::from(work.half_pixel),
        total: p.u32(total)?,
        // What is read is the gradient of the bins.
        in_batch: p.u32(shape.output.n)?,
        in_channel: p.u32(shape.output.c)?,
        in_row: p.u32(shape.output.space[1])?,
        in_column: p.u32(shape.output.space[2])?,
        most_turns: u32::try_from(p.caps.loop_limit).unwrap_or(u32::MAX),
        ..params(p, shape)?
    };
    p.u32(shape.regions * shape.output.n)?;
    let kernel = RoiAlignGradient { dtype: shape.dtype, channels_last: shape.channels_last };
    let slots = vec![Slot::Input(0), Slot::Input(1), Slot::Input(2), Slot::Output(0)];
    Ok(Step::new(kernel, &params, slots, p.invocations(total as u64)?))
}

/// Refuses regions of whose samples an invocation would go through more than the device's loops do; of regions that are on the
/// GPU already the kernel makes NaN.
pub(crate) fn check_regions(
    op: &'static str,
    work: &RoiAlignWork,
    inputs: &[&Tensor],
    caps: &Caps,
) -> Result<()> {
    let Some(Data::F32(regions)) = inputs.get(1).map(|regions| regions.data()) else { return Ok(()) };
    let [rows, columns] = work.shape.bins.map(|bins| bins as u64);
    let each = regions.chunks_exact(4).map(|region| {
        let &[x1, y1, x2, y2] = region else { return 0 };
        let [along, across] = [work.axis(0, y1, y2).samples, work.axis(1, x1, x2).samples];
        let of_rows = (across as u64 + 2).saturating_mul(columns).saturating_add(along as u64 + 4);
        of_rows.saturating_mul(rows).saturating_add(2)
    });
    // The kernel takes each region for the largest.
    let turns = each.max().unwrap_or(0).saturating_mul(work.shape.regions as u64);
    if turns <= caps.loop_limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "regions on a software adapter",
        values: format!("{op}: {turns} iterations over {} regions", work.shape.regions),
        rule: RULE,
    })
}
