//! The kernel that adds windows up to images.

use crate::error::Result;
use crate::kernel::{Col2Im, Col2ImParams};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::each;
use crate::plan::{Planner, Slot, Step};
use crate::problem::Col2ImWork;

pub(in crate::plan) fn steps(p: &Planner, work: &Col2ImWork) -> Result<Vec<Step>> {
    let axes = &work.axes;
    Iterations::default().at_windows(axes).check(p)?;
    let [gcd, tap_step, inverse] = p.meeting(axes)?;
    let total = work.planes * work.pixels();
    let params = Col2ImParams {
        image: p.vec4(each(axes, |a| a.input), 0)?,
        windows: p.vec4(each(axes, |a| a.output), 0)?,
        window: p.vec4(each(axes, |a| a.kernel), 0)?,
        stride: p.vec4(each(axes, |a| a.stride), 0)?,
        dilation: p.vec4(each(axes, |a| a.dilation), 0)?,
        pad_before: p.ivec4(each(axes, |a| a.pad_before))?,
        gcd,
        tap_step,
        inverse,
        total: p.u32(total)?,
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    };
    let kernel = Col2Im { dtype: work.dtype };
    let grid = p.invocations(total as u64)?;
    Ok(vec![Step::new(kernel, &params, vec![Slot::Input(0), Slot::Output(0)], grid)])
}
