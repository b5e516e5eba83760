//! Elements around a tensor.

use super::setters::setters;

/// What stands outside a tensor that is padded.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PadMode {
    /// This number, which the type of the elements must hold.
    Constant(f32),
    /// The elements mirrored at the first and the last, which are not repeated; fewer than the axis has.
    Reflect,
    /// The first and the last element.
    Edge,
    /// The elements again from the other end, as often as need be.
    Wrap,
}

/// Elements before and after each axis: ONNX `Pad`, `numpy.pad`.
///
/// Input: any shape and type. Output: each axis longer by `before` and `after`. Negative numbers take elements away, before
/// anything is added at the other end.
///
/// ```
/// use wgpool::{Op, Pad, PadMode, Tensor, host};
/// let x = Tensor::from_f32(&[1, 3], vec![1., 2., 3.])?;
/// let zeros = Pad::new([0, 1], [0, -1]);
/// assert_eq!(host::run(&Op::from(zeros.clone()), &[&x])?[0].as_f32()?, [0., 1., 2.]);
/// let mirrored = Pad::new([0, 2], [0, 1]).mode(PadMode::Reflect);
/// assert_eq!(host::run(&Op::from(mirrored), &[&x])?[0].as_f32()?, [3., 2., 1., 2., 3., 2.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Pad {
    /// Elements before each axis.
    pub before: Vec<isize>,
    /// Elements after each axis.
    pub after: Vec<isize>,
    /// What they are.
    pub mode: PadMode,
}

impl Pad {
    /// Zeros.
    pub fn new(before: impl Into<Vec<isize>>, after: impl Into<Vec<isize>>) -> Self {
        Self { before: before.into(), after: after.into(), mode: PadMode::Constant(0.0) }
    }

    setters! {
        /// Sets what the elements are.
        mode: PadMode,
    }
}
