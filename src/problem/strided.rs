//! Problems of elements that lie elsewhere: strided copies, concatenation, padding.

use super::{Problem, Work, axis_of, only_input, require_dtype};
use crate::dtype::{DType, Data};
use crate::error::{Error, Result};
use crate::spec::strided::row_major;
use crate::spec::{AsStrided, Concat, Pad, PadMode};
use crate::tensor::{TensorDesc, checked_elements};

/// Axes that may be left when neighbours are joined.
pub(crate) const MOST_AXES: usize = 8;

/// A copy of elements from where strides say, in row-major order of the axes; of each input a piece of the output.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StridedWork {
    /// Type of the elements.
    pub dtype: DType,
    /// What is copied of each input.
    pub pieces: Vec<StridedPiece>,
    /// What stands outside the axes.
    pub outside: PadMode,
}

/// What is copied of one input.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StridedPiece {
    /// The axes, outermost first.
    pub axes: Vec<StridedAxis>,
    /// The input's element at position 0 of each axis.
    pub offset: usize,
    /// The output's element that the first goes to.
    pub to: usize,
    /// Elements that go one behind the other.
    pub run: usize,
    /// Elements of the output from the beginning of a run to that of the next.
    pub pitch: usize,
}

/// An axis of what is copied: element `i` lies at position `i - before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StridedAxis {
    /// Elements of the output.
    pub length: usize,
    /// Elements of it before the first position.
    pub before: usize,
    /// Positions that there are.
    pub input: usize,
    /// Distance in the input between neighbours.
    pub stride: isize,
}

impl StridedAxis {
    pub(crate) fn of(length: usize, stride: isize) -> StridedAxis {
        StridedAxis { length, before: 0, input: length, stride }
    }

    /// Whether nothing of it is outside.
    pub(crate) fn is_whole(&self) -> bool {
        self.input == self.length
    }

    /// The position of element `i`; nothing where the constant stands.
    pub(crate) fn position(&self, i: usize, outside: PadMode) -> Option<usize> {
        let (at, last) = (i as isize - self.before as isize, self.input as isize - 1);
        if (0..=last).contains(&at) {
            return Some(at as usize);
        }
        match outside {
            PadMode::Constant(_) => None,
            PadMode::Reflect => Some(if at < 0 { -at } else { 2 * last - at } as usize),
            PadMode::Edge => Some(at.clamp(0, last) as usize),
            PadMode::Wrap => Some(at.rem_euclid(last + 1) as usize),
        }
    }
}

impl StridedPiece {
    /// A piece that is the whole output.
    fn whole(axes: Vec<StridedAxis>, offset: usize) -> StridedPiece {
        let all = axes.iter().map(|axis| axis.length).product();
        StridedPiece { axes, offset, to: 0, run: all, pitch: all }
    }

    /// Elements that are copied.
    pub fn elements(&self) -> usize {
        self.axes.iter().map(|axis| axis.length).product()
    }
}

impl StridedWork {
    /// A copy of one input, of which `offset` is the element at position 0 of each axis.
    pub(super) fn copy(dtype: DType, axes: Vec<StridedAxis>, offset: usize) -> StridedWork {
        StridedWork { dtype, pieces: vec![StridedPiece::whole(axes, offset)], outside: ZEROS }
    }

    /// Elements that are copied.
    pub(crate) fn elements(&self) -> usize {
        self.pieces.iter().map(StridedPiece::elements).sum()
    }

    /// The axes of a piece, joined.
    pub(crate) fn joined(&self, piece: &StridedPiece) -> Vec<StridedAxis> {
        joined(&piece.axes, matches!(self.outside, PadMode::Constant(_)))
    }

    /// The problem, if not too many axes are left.
    fn problem(self, op: &'static str, inputs: &[TensorDesc], shape: Vec<usize>) -> Result<Problem> {
        let axes = self.pieces.iter().map(|piece| self.joined(piece).len()).max().unwrap_or(0);
        if axes > MOST_AXES && !shape.contains(&0) {
            let rule =
                format!("{axes} axes are left when neighbours are joined, and {MOST_AXES} are the most");
            return Err(Error::rank(op, "the output", &shape, rule));
        }
        let outputs = vec![TensorDesc { shape, dtype: self.dtype }];
        Ok(Problem { op, inputs: inputs.to_vec(), outputs, work: Work::Strided(self) })
    }
}

/// Axes without those of one element, and neighbours joined where their strides allow it; at least one. `constant` says that
/// what is outside is so wherever it is.
pub(super) fn joined(axes: &[StridedAxis], constant: bool) -> Vec<StridedAxis> {
    let mut joined: Vec<StridedAxis> = Vec::new();
    for &axis in axes.iter().filter(|axis| axis.length != 1 || !axis.is_whole()) {
        match joined.last_mut() {
            // A row outside is as many elements outside.
            Some(outer)
                if axis.is_whole()
                    && (outer.is_whole() || constant)
                    && outer.stride == axis.stride.wrapping_mul(axis.length as isize) =>
            {
                let [length, before, input] =
                    [outer.length, outer.before, outer.input].map(|n| n * axis.length);
                *outer = StridedAxis { length, before, input, stride: axis.stride };
            }
            _ => joined.push(axis),
        }
    }
    if joined.is_empty() {
        joined.push(StridedAxis::of(1, 1));
    }
    joined
}

const ZEROS: PadMode = PadMode::Constant(0.0);

pub(super) fn as_strided(spec: &AsStrided, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "as_strided";
    let x = only_input(op, inputs)?;
    let AsStrided { shape, strides, offset } = spec;
    if strides.len() != shape.len() {
        let rule = format!("it must have a number for each axis of shape {shape:?}");
        return Err(Error::parameter(op, "strides", strides, rule));
    }
    checked_elements("output", shape)?;
    let (elements, mut least, mut most) = (x.elements() as i128, *offset as i128, *offset as i128);
    if !shape.contains(&0) {
        if most >= elements {
            let rule = format!("the input has {elements} elements");
            return Err(Error::parameter(op, "offset", offset, rule));
        }
        for (axis, (&length, &stride)) in shape.iter().zip(strides).enumerate() {
            let span = (length as i128 - 1) * stride as i128;
            (least, most) = (least + span.min(0), most + span.max(0));
            if least < 0 || most >= elements {
                let rule = format!(
                    "with axis {axis} of shape {shape:?} and offset {offset} they reach elements {least} to {most}, \
                     and the input has {elements}"
                );
                return Err(Error::parameter(op, "strides", strides, rule));
            }
        }
    }
    let axes = shape.iter().zip(strides).map(|(&length, &stride)| StridedAxis::of(length, stride)).collect();
    StridedWork::copy(x.dtype, axes, *offset).problem(op, inputs, shape.clone())
}

pub(super) fn concat(spec: &Concat, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "concat";
    let Some(first) = inputs.first() else { return Err(Error::arity(op, "one or more", 0)) };
    let axis = axis_of(op, spec.axis, &first.shape)?;
    let mut shape = first.shape.clone();
    let mut lengths = Vec::with_capacity(inputs.len());
    for input in inputs {
        require_dtype(op, "an input", input.dtype, &[first.dtype])?;
        let same = |(at, length): (usize, &usize)| at == axis || input.shape[at] == *length;
        if input.shape.len() != shape.len() || !shape.iter().enumerate().all(same) {
            let rule = format!("it must be as {:?}, but along axis {axis}", first.shape);
            return Err(Error::shape(op, "an input", &input.shape, rule));
        }
        lengths.push(input.shape[axis]);
    }
    let total = lengths.iter().try_fold(0usize, |sum, &length| sum.checked_add(length));
    shape[axis] = total.ok_or_else(|| {
        Error::too_large("output", format!("lengths {lengths:?}"), "the tensor must fit the address space")
    })?;
    checked_elements("output", &shape)?;
    let inner: usize = shape[axis + 1..].iter().product();
    let mut to = 0;
    let pieces = inputs.iter().zip(lengths).map(|(input, length)| {
        let axes = vec![StridedAxis::of(input.elements(), 1)];
        let run = length * inner;
        to += run;
        StridedPiece { axes, offset: 0, to: to - run, run, pitch: shape[axis] * inner }
    });
    let work = StridedWork { dtype: first.dtype, pieces: pieces.collect(), outside: ZEROS };
    work.problem(op, inputs, shape)
}

pub(super) fn pad(spec: &Pad, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "pad";
    let x = only_input(op, inputs)?;
    let Pad { before, after, mode } = spec;
    for (name, list) in [("before", before), ("after", after)] {
        if list.len() != x.shape.len() {
            let rule = format!("it must have a number for each axis of shape {:?}", x.shape);
            return Err(Error::parameter(op, name, list, rule));
        }
    }
    if let PadMode::Constant(value) = *mode {
        let held = Data::nearest(x.dtype, [f64::from(value)])?.get(0).unwrap_or(0.0);
        if held != f64::from(value) && !(held.is_nan() && value.is_nan()) {
            return Err(Error::parameter(op, "constant", value, format!("no {} is that number", x.dtype)));
        }
    }
    let strides = row_major(&x.shape)?;
    let (mut offset, mut axes, mut shape) = (0, Vec::new(), Vec::new());
    for (axis, (&length, stride)) in x.shape.iter().zip(strides).enumerate() {
        let [added_before, added_after] = [before[axis], after[axis]].map(|n| n.max(0).unsigned_abs());
        let [cut_before, cut_after] = [before[axis], after[axis]].map(|n| n.min(0).unsigned_abs());
        let wrong = |rule: String| Error::shape(op, "the input", &x.shape, rule);
        let left = length.checked_sub(cut_before).and_then(|left| left.checked_sub(cut_after));
        let input = left.ok_or_else(|| {
            wrong(format!(
                "axis {axis} must have the {cut_before} and {cut_after} elements that are taken away"
            ))
        })?;
        let most = match mode {
            PadMode::Constant(_) => usize::MAX,
            PadMode::Reflect => input.saturating_sub(1),
            PadMode::Edge | PadMode::Wrap if input == 0 => 0,
            PadMode::Edge | PadMode::Wrap => usize::MAX,
        };
        if added_before.max(added_after) > most {
            let added = added_before.max(added_after);
            return Err(wrong(format!(
                "axis {axis} must have more than {input} elements for {added} of padding"
            )));
        }
        // Cut off at the end of the axis there may be no element left to begin with.
        offset += cut_before * stride.unsigned_abs();
        let all = input.checked_add(added_before).and_then(|sum| sum.checked_add(added_after));
        let length = all.ok_or_else(|| {
            let values =
                format!("axis {axis}: {input} elements, {added_before} before and {added_after} after");
            Error::too_large("output", values, "the tensor must fit the address space")
        })?;
        axes.push(StridedAxis { length, before: added_before, input, stride });
        shape.push(length);
    }
    checked_elements("output", &shape)?;
    let pieces = vec![StridedPiece::whole(axes, offset)];
    StridedWork { dtype: x.dtype, pieces, outside: *mode }.problem(op, inputs, shape)
}
