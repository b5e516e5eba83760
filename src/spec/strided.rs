//! Tensors whose elements lie elsewhere: transposed, sliced, expanded, or one behind the other.

use crate::error::{Error, Result};
use crate::tensor::checked_elements;

/// A copy of what strides say: PyTorch `as_strided`, made whole. ONNX `Transpose`, `Slice`, `Expand`, `Split`,
/// `DepthToSpace` and `SpaceToDepth` are such.
///
/// Input: any shape and type. Output: `shape`, whose element `i` is `input[offset + sum of i[k] * strides[k]]` of the input's
/// elements in row-major order. Every such element must be there. After neighbouring axes are joined where their strides
/// allow it, at most eight may be left.
///
/// ```
/// use wgpool::{AsStrided, Op, Tensor, host};
/// let x = Tensor::new(&[2, 3], vec![1u8, 2, 3, 4, 5, 6])?;
/// let transposed = AsStrided::transpose(&[2, 3], &[1, 0])?;
/// assert_eq!(transposed, AsStrided::new([3, 2], [1, 3], 0));
/// assert_eq!(host::run(&Op::from(transposed), &[&x])?[0].as_u8()?, [1, 4, 2, 5, 3, 6]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct AsStrided {
    /// Shape of the output.
    pub shape: Vec<usize>,
    /// Distance in elements of the input between neighbours along each axis of the output.
    pub strides: Vec<isize>,
    /// The input's element that the output begins with.
    pub offset: usize,
}

impl AsStrided {
    /// What these strides say.
    pub fn new(shape: impl Into<Vec<usize>>, strides: impl Into<Vec<isize>>, offset: usize) -> Self {
        Self { shape: shape.into(), strides: strides.into(), offset }
    }

    /// Axes in another order: axis `k` of the output is axis `order[k]` of a tensor of this shape.
    ///
    /// # Errors
    /// [`Error::Parameter`] if `order` does not name each axis once; [`Error::TooLarge`] for a shape without strides.
    pub fn transpose(shape: &[usize], order: &[usize]) -> Result<Self> {
        let strides = row_major(shape)?;
        let each_once = order.len() == shape.len() && (0..shape.len()).all(|axis| order.contains(&axis));
        if !each_once {
            let rule = format!("it must name each axis of shape {shape:?} once");
            return Err(Error::parameter("transpose", "order", order, rule));
        }
        let of = |&axis: &usize| (shape[axis], strides[axis]);
        let (shape, strides): (Vec<usize>, Vec<isize>) = order.iter().map(of).unzip();
        Ok(Self { shape, strides, offset: 0 })
    }

    /// From each axis of a tensor of this shape the elements from `starts` on, `steps` apart, before `ends`: as ONNX `Slice`
    /// with a number for each axis. Starts and ends below 0 count from the axis' end, and are then clamped to the axis.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a step of 0, or lists that do not have one number for each axis; [`Error::TooLarge`] for a shape
    /// without strides.
    ///
    /// ```
    /// use wgpool::{AsStrided, Op, Tensor, host};
    /// let x = Tensor::from_f32(&[5], vec![0., 1., 2., 3., 4.])?;
    /// let slice = AsStrided::slice(&[5], &[-1], &[isize::MIN], &[-2])?;
    /// assert_eq!(host::run(&Op::from(slice), &[&x])?[0].as_f32()?, [4., 2., 0.]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn slice(shape: &[usize], starts: &[isize], ends: &[isize], steps: &[isize]) -> Result<Self> {
        let strides = row_major(shape)?;
        for (name, list) in [("starts", starts), ("ends", ends), ("steps", steps)] {
            if list.len() != shape.len() || name == "steps" && list.contains(&0) {
                let rule = format!("it must have a number, no step of 0, for each axis of shape {shape:?}");
                return Err(Error::parameter("slice", name, list, rule));
            }
        }
        let mut slice = Self { shape: Vec::new(), strides: Vec::new(), offset: 0 };
        for (axis, (&length, stride)) in shape.iter().zip(strides).enumerate() {
            let (length, step) = (length as isize, steps[axis]);
            let counted = |at: isize| if at < 0 { at.saturating_add(length) } else { at };
            // A step back begins at an element, and may end before the first.
            let (least, most) = if step > 0 { (0, length) } else { (-1, (length - 1).max(0)) };
            let start = counted(starts[axis]).clamp(0, most);
            let end = counted(ends[axis]).clamp(least, length);
            let span = if step > 0 { end - start } else { start - end };
            let taken =
                if length == 0 { 0 } else { span.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) };
            slice.shape.push(taken);
            slice.strides.push(stride.saturating_mul(step));
            slice.offset += (start * stride).unsigned_abs();
        }
        Ok(slice)
    }

    /// Axes of one element repeated, so that the shape becomes the one that ONNX `Expand` has: axes are counted from the last,
    /// those that are missing are put in front, and an axis of one element is as long as the other shape's.
    ///
    /// # Errors
    /// [`Error::Parameter`] if an axis has other lengths above one in both shapes; [`Error::TooLarge`] for a shape without
    /// strides.
    ///
    /// ```
    /// use wgpool::AsStrided;
    /// assert_eq!(AsStrided::expand(&[3, 1], &[2, 1, 4])?, AsStrided::new([2, 3, 4], [0, 1, 0], 0));
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn expand(shape: &[usize], to: &[usize]) -> Result<Self> {
        let own = row_major(shape)?;
        let rank = shape.len().max(to.len());
        let mut expanded = Self { shape: Vec::new(), strides: Vec::new(), offset: 0 };
        for axis in 0..rank {
            let of = |list: &[usize]| (axis + list.len()).checked_sub(rank).map_or(1, |at| list[at]);
            let (from, to_length) = (of(shape), of(to));
            if from != to_length && from != 1 && to_length != 1 {
                let rule =
                    format!("axis {axis} of shape {shape:?} must be as long or 1, counted from the last");
                return Err(Error::parameter("expand", "shape", to, rule));
            }
            let stride = (axis + shape.len()).checked_sub(rank).map_or(0, |at| own[at]);
            expanded.shape.push(if from == 1 { to_length } else { from });
            expanded.strides.push(if from == 1 { 0 } else { stride });
        }
        Ok(expanded)
    }
}

/// Distances between neighbours along each axis of a tensor in row-major order.
pub(crate) fn row_major(shape: &[usize]) -> Result<Vec<isize>> {
    checked_elements("shape", shape)?;
    let mut strides = vec![1isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1) as isize;
    }
    Ok(strides)
}

/// Tensors one behind the other along an axis: ONNX `Concat`, PyTorch `cat`.
///
/// Inputs: one or more of one type, whose shapes differ along the axis alone, where they may be 0 long. Output: the same shape,
/// along the axis as long as all together.
///
/// ```
/// use wgpool::{Concat, Op, Tensor, host};
/// let (a, b) = (Tensor::new(&[2, 1], vec![1i32, 2])?, Tensor::new(&[2, 2], vec![3i32, 4, 5, 6])?);
/// assert_eq!(host::run(&Op::from(Concat { axis: 1 }), &[&a, &b])?[0].as_i32()?, [1, 3, 4, 2, 5, 6]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Concat {
    /// The axis; negative ones count from the last.
    pub axis: isize,
}
