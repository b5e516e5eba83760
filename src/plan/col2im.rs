//! The kernel that adds windows up to images.

use super::narrow::{each, ivec4, meeting, u32_of, vec4};
use super::turns::Turns;
use super::{Caps, Slot, Step, grid};
use crate::error::Result;
use crate::kernel::KernelKey;
use crate::kernel::params::Col2ImParams;
use crate::problem::Col2ImWork;

pub(super) fn steps(op: &'static str, work: &Col2ImWork, caps: &Caps) -> Result<Vec<Step>> {
    let axes = &work.axes;
    Turns::default().at_windows(axes).check(op, caps)?;
    let [gcd, tap_step, inverse] = meeting(op, axes)?;
    let total = work.planes * work.pixels();
    let params = Col2ImParams {
        image: vec4(op, each(axes, |a| a.input), 0)?,
        windows: vec4(op, each(axes, |a| a.output), 0)?,
        window: vec4(op, each(axes, |a| a.kernel), 0)?,
        stride: vec4(op, each(axes, |a| a.stride), 0)?,
        dilation: vec4(op, each(axes, |a| a.dilation), 0)?,
        pad_before: ivec4(op, each(axes, |a| a.pad_before))?,
        gcd,
        tap_step,
        inverse,
        total: u32_of(op, total)?,
        pad_0: 0,
        pad_1: 0,
        pad_2: 0,
    };
    let kernel = KernelKey::Col2Im { dtype: work.dtype };
    let grid = grid::invocations(op, total as u64, caps)?;
    Ok(vec![Step::new(kernel, &params, vec![Slot::Input(0), Slot::Output(0)], grid)])
}
