//! Problems of axes made one value.

use super::strided::{StridedAxis, joined};
use super::{Problem, Work, axis_of, only_input};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::spec::strided::row_major;
use crate::spec::{ArgKind, ArgReduce, Reduce, ReduceKind};
use crate::tensor::TensorDesc;

/// Axes of a kind that may be left when neighbours are joined: those that stay, and those that do not.
const MOST_AXES: usize = 4;

/// A value of each position of some axes, made of all positions of the others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReduceWork {
    /// Type of the elements; sums are kept in f32.
    pub dtype: DType,
    /// What is computed.
    pub kind: ReduceKind,
    /// The axes that stay, outermost first, joined where strides allow it; one to four.
    pub kept: Vec<StridedAxis>,
    /// Those that become one value, likewise.
    pub reduced: Vec<StridedAxis>,
}

/// Elements of some axes.
fn elements(axes: &[StridedAxis]) -> usize {
    axes.iter().map(|axis| axis.length).product()
}

impl ReduceWork {
    /// Values of the output.
    pub fn outputs(&self) -> usize {
        elements(&self.kept)
    }

    /// Elements of each.
    pub fn length(&self) -> usize {
        elements(&self.reduced)
    }

    /// The first axis, if it stays.
    pub(crate) fn outermost(&self) -> Option<&StridedAxis> {
        let all = self.outputs() * self.length();
        self.kept.first().filter(|axis| axis.stride.unsigned_abs() * axis.length == all)
    }

    /// The same of so many elements of the first axis.
    pub(crate) fn take_outermost(&mut self, count: usize) {
        if let Some(axis) = self.kept.first_mut() {
            *axis = StridedAxis::of(count, axis.stride);
        }
    }
}

/// The index of an element along an axis: element `i` of output `(o, s)` lies at `(o * length + i) * inner + s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArgWork {
    /// Type of the elements.
    pub dtype: DType,
    /// Which element.
    pub kind: ArgKind,
    /// Whether of equal ones the last is taken.
    pub last: bool,
    /// Elements before the axis.
    pub outer: usize,
    /// Elements along the axis.
    pub length: usize,
    /// Elements behind the axis.
    pub inner: usize,
}

/// A shape without some of its axes, or with one element in place of each.
fn without(shape: &[usize], is_reduced: impl Fn(usize) -> bool, keepdims: bool) -> Vec<usize> {
    let axes = shape.iter().enumerate().filter(|(axis, _)| keepdims || !is_reduced(*axis));
    axes.map(|(axis, &length)| if is_reduced(axis) { 1 } else { length }).collect()
}

pub(super) fn reduce(spec: &Reduce, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "reduce";
    let x = only_input(op, inputs)?;
    let mut named = vec![false; x.shape.len()];
    for &axis in &spec.axes {
        let axis = axis_of(op, axis, &x.shape)?;
        if std::mem::replace(&mut named[axis], true) {
            return Err(Error::parameter(op, "axes", &spec.axes, format!("axis {axis} must be named once")));
        }
    }
    let lengths = x.shape.iter().zip(row_major(&x.shape)?).zip(&named);
    let axes = |wanted: bool| -> Vec<StridedAxis> {
        let axes = lengths.clone().filter(|(_, named)| **named == wanted);
        let axes: Vec<StridedAxis> =
            axes.map(|((&length, stride), _)| StridedAxis::of(length, stride)).collect();
        joined(&axes, false)
    };
    let work = ReduceWork { dtype: x.dtype, kind: spec.kind, kept: axes(false), reduced: axes(true) };
    if work.kept.len().max(work.reduced.len()) > MOST_AXES {
        let left = [work.kept.len(), work.reduced.len()];
        let rule = format!(
            "{} axes that stay and {} that do not are left when neighbours are joined, and {MOST_AXES} of each are the most",
            left[0], left[1]
        );
        return Err(Error::rank(op, "the input", &x.shape, rule));
    }
    let shape = without(&x.shape, |axis| named[axis], spec.keepdims);
    let outputs = vec![TensorDesc { shape, dtype: x.dtype }];
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Reduce(work) })
}

pub(super) fn arg(spec: &ArgReduce, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "arg_reduce";
    let x = only_input(op, inputs)?;
    let axis = axis_of(op, spec.axis, &x.shape)?;
    let work = ArgWork {
        dtype: x.dtype,
        kind: spec.kind,
        last: spec.select_last,
        outer: x.shape[..axis].iter().product(),
        length: x.shape[axis],
        inner: x.shape[axis + 1..].iter().product(),
    };
    if work.length == 0 || work.length > i32::MAX as usize {
        let rule =
            format!("axis {axis} must have one to {} elements, which are counted in 32 bits", i32::MAX);
        return Err(Error::shape(op, "the input", &x.shape, rule));
    }
    let shape = without(&x.shape, |at| at == axis, spec.keepdims);
    let outputs = vec![TensorDesc { shape, dtype: DType::I32 }];
    Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Arg(work) })
}
