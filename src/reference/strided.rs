//! Strided copies, concatenation and padding by their definition.

use super::Exact;
use crate::error::Result;
use crate::memory;
use crate::problem::{StridedAxis, StridedWork};
use crate::spec::PadMode;

pub(super) fn strided(work: &StridedWork, x: &[Vec<f64>], y: &mut Exact) -> Result<()> {
    let constant = if let PadMode::Constant(value) = work.outside { f64::from(value) } else { 0.0 };
    for (piece, x) in work.pieces.iter().zip(x) {
        for number in 0..piece.elements() {
            let at = address(&piece.axes, number, work.outside).map(|at| at + piece.offset as isize);
            let to = piece.to + number / piece.run * piece.pitch + number % piece.run;
            y.values[to] = at.map_or(constant, |at| x[at as usize]);
        }
    }
    if work.dtype.is_float() {
        y.signed_zero = memory::filled(true, y.values.len())?;
    }
    Ok(())
}

/// Where element `number` of the axes in row-major order lies from position 0 of each.
pub(super) fn address(axes: &[StridedAxis], number: usize, outside: PadMode) -> Option<isize> {
    let (mut rest, mut at) = (number, 0);
    for axis in axes.iter().rev() {
        at += axis.position(rest % axis.length, outside)? as isize * axis.stride;
        rest /= axis.length;
    }
    Some(at)
}
