//! Problems of adding windows up to images.

use super::{Problem, Work, only_input};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{Axis, MAX_SPATIAL, Windows, three};
use crate::spec::Col2Im;
use crate::tensor::{TensorDesc, checked_elements};

/// Windows that are added up to images, with every length known. A plane is a channel of an image: its columns
/// `[taps, windows]` lie one after another, and so do its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Col2ImWork {
    /// Type of the elements; sums are kept in f32.
    pub dtype: DType,
    /// Planes of all images.
    pub planes: usize,
    /// Windows on the image along depth, height and width.
    pub axes: [Axis; MAX_SPATIAL],
}

impl Col2ImWork {
    /// Taps of a window.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.kernel).product()
    }

    /// Windows on a plane.
    pub fn windows(&self) -> usize {
        self.axes.iter().map(|a| a.output).product()
    }

    /// Elements of a plane.
    pub fn pixels(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }
}

pub(super) fn col2im(spec: &Col2Im, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "col2im";
    let x = only_input(op, inputs)?;
    let &[batch, rows, columns] = x.shape.as_slice() else {
        let rule = "it must be batch, channels times taps, and windows";
        return Err(Error::rank(op, "the input", &x.shape, rule));
    };
    let rank = spec.image.len();
    if rank == 0 || rank > MAX_SPATIAL {
        return Err(Error::parameter(op, "image", &spec.image, "it must have one to three spatial axes"));
    }
    if spec.window.len() != rank {
        let rule = format!("it must have a number for each of the {rank} spatial axes");
        return Err(Error::parameter(op, "window", &spec.window, rule));
    }
    let windows = Windows { stride: &spec.stride, dilation: &spec.dilation, padding: &spec.padding };
    let axes = windows.over(op, &spec.image, &spec.window, false)?;
    let taps = checked_elements("window", &spec.window)?;
    let places: Vec<usize> = axes.iter().map(|a| a.output).collect();
    if rows == 0 || !rows.is_multiple_of(taps) || checked_elements("windows", &places)? != columns {
        let rule = format!("it must have a multiple of {taps} taps, and {places:?} windows");
        return Err(Error::shape(op, "the input", &x.shape, rule));
    }
    let shape = [&[batch, rows / taps], spec.image.as_slice()].concat();
    checked_elements("output", &shape)?;
    let work = Col2ImWork { dtype: x.dtype, planes: batch * (rows / taps), axes: three(&axes, Axis::UNIT) };
    let outputs = vec![TensorDesc { shape, dtype: x.dtype }];
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Col2Im(work) })
}
