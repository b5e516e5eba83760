//! Axes made one value.

use super::setters::setters;

/// What is computed of the elements that become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ReduceKind {
    /// The sum; of no element 0.
    Sum,
    /// The mean; of no element NaN.
    Mean,
    /// The maximum, NaN if one is; of no element minus infinity.
    Max,
    /// The minimum, NaN if one is; of no element infinity.
    Min,
    /// The product; of no element 1.
    Prod,
    /// The sum of the absolute values.
    L1,
    /// The root of the sum of the squares.
    L2,
    /// The sum of the squares.
    SumSquare,
    /// The logarithm of the sum.
    LogSum,
    /// The logarithm of the sum of the exponentials.
    LogSumExp,
}

impl ReduceKind {
    /// Every one.
    pub const ALL: [ReduceKind; 10] = [
        ReduceKind::Sum,
        ReduceKind::Mean,
        ReduceKind::Max,
        ReduceKind::Min,
        ReduceKind::Prod,
        ReduceKind::L1,
        ReduceKind::L2,
        ReduceKind::SumSquare,
        ReduceKind::LogSum,
        ReduceKind::LogSumExp,
    ];
}

/// Some axes made one value: ONNX `ReduceSum`, `ReduceMean`, `ReduceMax`, ...; PyTorch `sum`, `mean`, `amax`, ...
///
/// Input: floats of any shape. Output: the same without the axes, or with axes of one element in their place. Axes that may be
/// 0 long give what the kind has for no element. An empty list of axes reduces none: every element is made one value by itself.
/// After neighbouring axes are joined, at most four that stay and four that do not may be left.
///
/// ```
/// use wgpool::{Op, Reduce, ReduceKind, Tensor, host};
/// let x = Tensor::from_f32(&[2, 3], vec![1., 2., 3., 4., 5., 6.])?;
/// let sum = Reduce::new(ReduceKind::Sum, [-1]);
/// assert_eq!(host::run(&Op::from(sum.clone()), &[&x])?[0].as_f32()?, [6., 15.]);
/// assert_eq!(host::run(&Op::from(sum.keepdims(true)), &[&x])?[0].shape(), [2, 1]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Reduce {
    /// What is computed.
    pub kind: ReduceKind,
    /// The axes that become one value, each once; negative ones count from the last.
    pub axes: Vec<isize>,
    /// Whether axes of one element stay in their place.
    pub keepdims: bool,
}

impl Reduce {
    /// A value of these axes, which are left out of the output.
    pub fn new(kind: ReduceKind, axes: impl Into<Vec<isize>>) -> Self {
        Self { kind, axes: axes.into(), keepdims: false }
    }

    setters! {
        /// Sets whether axes of one element stay.
        keepdims: bool,
    }
}

/// Which element of an axis an index is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ArgKind {
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

/// The index along an axis of the largest or the smallest element: ONNX `ArgMax` and `ArgMin`, PyTorch `argmax` and `argmin`.
///
/// Input: floats of any shape. Output: i32, the same shape without the axis, or with one element in its place. A NaN is taken
/// before all numbers.
///
/// ```
/// use wgpool::{ArgKind, ArgReduce, Op, Tensor, host};
/// let x = Tensor::from_f32(&[4], vec![1., 3., 3., 2.])?;
/// let first = ArgReduce::new(ArgKind::Max, 0);
/// assert_eq!(host::run(&Op::from(first), &[&x])?[0].as_i32()?, [1]);
/// assert_eq!(host::run(&Op::from(first.select_last(true)), &[&x])?[0].as_i32()?, [2]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct ArgReduce {
    /// Which element.
    pub kind: ArgKind,
    /// The axis; negative ones count from the last.
    pub axis: isize,
    /// Whether an axis of one element stays in its place.
    pub keepdims: bool,
    /// Whether of equal elements the last is taken, not the first.
    pub select_last: bool,
}

impl ArgReduce {
    /// The first such element; the axis is left out of the output.
    pub fn new(kind: ArgKind, axis: isize) -> Self {
        Self { kind, axis, keepdims: false, select_last: false }
    }

    setters! {
        /// Sets whether an axis of one element stays.
        keepdims: bool,
        /// Sets whether of equal elements the last is taken.
        select_last: bool,
    }
}
