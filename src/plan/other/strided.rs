//! The kernel for strided copies, concatenation and padding.

use crate::dtype::Data;
use crate::error::Result;
use crate::kernel::{Strided, StridedParams};
use crate::plan::{Planner, Slot, Step};
use crate::problem::{StridedAxis, StridedPiece, StridedWork};
use crate::spec::PadMode;

/// A step for each input.
pub(in crate::plan) fn steps(p: &Planner, work: &StridedWork) -> Result<Vec<Step>> {
    let pieces = work.pieces.iter().enumerate().filter(|(_, piece)| piece.elements() > 0);
    pieces.map(|(i, piece)| step(p, work, piece, i)).collect()
}

fn step(p: &Planner, work: &StridedWork, piece: &StridedPiece, input: usize) -> Result<Step> {
    let mut axes = work.joined(piece);
    let size = work.dtype.size();
    let outside = (!axes.iter().all(StridedAxis::is_whole)).then(|| work.outside.into());
    let scattered = piece.run != piece.pitch;
    let unit =
        [16, 4, 2, 1].into_iter().find(|unit| unit % size == 0 && fits(work, piece, &axes, unit / size));
    let unit = unit.unwrap_or(size);
    // Elements that are copied as one.
    let count = unit / size;
    if let Some(last) = axes.last_mut() {
        let [length, before, input] = [last.length, last.before, last.input].map(|n| n / count);
        *last = StridedAxis { length, before, input, stride: last.stride * count as isize };
    }
    let mut params = StridedParams {
        offset: p.u32(piece.offset / count)?,
        total: p.u32(piece.elements() / count)?,
        to: p.u32(piece.to / count)?,
        run: p.u32(piece.run / count)?,
        pitch: p.u32(piece.pitch / count)?,
        constant: constant(work)?,
        axes: [[1, 0, 0, 1]; 8],
        ..bytemuck::Zeroable::zeroed()
    };
    if outside.is_some() {
        // What is outside is told from what is inside by the sign.
        axes.iter().try_for_each(|axis| p.i32(axis.length).map(drop))?;
    }
    for (to, axis) in params.axes.iter_mut().zip(axes.iter().rev()) {
        let [before, positions] = match outside {
            Some(_) => [axis.before, axis.input].map(|n| n as u32),
            None => [0, 1],
        };
        // Addresses are inside the input, so that strides may count backwards in 32 bits.
        let stride = (axis.stride / count as isize) as u32;
        *to = [p.u32(axis.length)?, stride, before, positions];
    }
    let unit = p.u32(unit)?;
    let kernel = Strided { unit, axes: p.u32(axes.len().next_power_of_two())?, outside, scattered };
    let lanes = if scattered { 1 } else { (4 / unit).max(1) };
    let grid = p.invocations(u64::from(params.total.div_ceil(lanes)))?;
    Ok(Step::new(kernel, &params, vec![Slot::Input(input), Slot::Output(0)], grid))
}

/// Whether so many elements can be copied as one: neighbours along the last axis in input and output, which begin and end
/// together.
fn fits(work: &StridedWork, piece: &StridedPiece, axes: &[StridedAxis], count: usize) -> bool {
    let Some((last, outer)) = axes.split_last() else { return false };
    let constant = matches!(work.outside, PadMode::Constant(_));
    let neighbours = last.stride == 1 && (last.is_whole() || constant);
    let ends = [last.length, last.before, last.input, piece.offset, piece.to, piece.run, piece.pitch];
    let strides = outer.iter().map(|axis| axis.stride.unsigned_abs());
    // An input without elements has a buffer of one word.
    let is_there = axes.iter().all(|axis| axis.input > 0);
    count == 1 || neighbours && is_there && ends.into_iter().chain(strides).all(|n| n.is_multiple_of(count))
}

/// The bits of the constant, as often as they fit a word.
fn constant(work: &StridedWork) -> Result<u32> {
    let PadMode::Constant(value) = work.outside else { return Ok(0) };
    let element = Data::nearest(work.dtype, [f64::from(value)])?;
    let mut word = [0; 4];
    for (byte, element) in word.iter_mut().zip(element.as_bytes().iter().cycle()) {
        *byte = *element;
    }
    Ok(u32::from_ne_bytes(word))
}
