//! The kernel for interpolation.

use crate::error::Result;
use crate::kernel::{Resize, ResizeParams};
use crate::plan::{Planner, Slot, Step};
use crate::problem::ResizeWork;
use crate::spec::{NearestRounding, ResizeMode};

pub(in crate::plan) fn resize(p: &Planner, work: &ResizeWork) -> Result<Step> {
    let total = work.axes.iter().map(|axis| axis.length).product::<usize>();
    let (next, coefficient) = match work.mode {
        ResizeMode::Nearest(rounding) => (next(rounding), 0.0),
        ResizeMode::Linear => (0, 0.0),
        ResizeMode::Cubic { coefficient, .. } => (0, coefficient),
    };
    let mut params = ResizeParams {
        axes: [[1, 0, 0, 0]; 8],
        total: p.u32(total)?,
        next,
        coefficient,
        ..bytemuck::Zeroable::zeroed()
    };
    for (i, axis) in work.axes.iter().rev().enumerate() {
        // What an axis is cut off to is no longer than what 32 bits count.
        let input = if axis.changed { p.u32(axis.input)? } else { 0 };
        params.axes[i] = [p.u32(axis.length)?, p.u32(axis.stride)?, input, 0];
        let words = |number: i128| [number as u32, (number >> 32) as u32, (number >> 64) as u32, 0];
        (params.scale[i], params.shift[i]) = (words(axis.scale), words(axis.shift));
    }
    let axes = p.u32(work.axes.len().next_power_of_two())?;
    let kernel = Resize { interpolation: work.mode.into(), dtype: work.dtype, axes };
    let grid = p.invocations(total as u64)?;
    Ok(Step::new(kernel, &params, vec![Slot::Input(0), Slot::Output(0)], grid))
}

/// The fraction from which on the nearest is the second of two elements; 0 where it never is.
fn next(rounding: NearestRounding) -> u32 {
    match rounding {
        NearestRounding::RoundPreferFloor => (1 << 31) + 1,
        NearestRounding::RoundPreferCeil => 1 << 31,
        NearestRounding::Ceil => 1,
        NearestRounding::Floor => 0,
    }
}
