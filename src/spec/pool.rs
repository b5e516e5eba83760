//! Pooling: `MaxPool`, `AveragePool`, `LpPool` of ONNX, `max_pool2d` and its kin of PyTorch.

use std::fmt;

use super::setters::setters;
use super::{Layout, Padding, PerAxis};

/// How a window becomes one value.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", deny_unknown_fields))]
#[non_exhaustive]
pub enum PoolKind {
    /// The largest element; NaN if any is NaN; minus infinity (the type's minimum) for a window without input.
    Max,
    /// The mean.
    Average {
        /// Whether padded elements count in the divisor (never those that ceil mode adds beyond the padding).
        count_include_pad: bool,
        /// A divisor that replaces the count, as PyTorch's `divisor_override`.
        divisor: Option<u32>,
    },
    /// `(sum |x|^p)^(1/p)`, as ONNX `LpPool`.
    Lp {
        /// The exponent, at least 1.
        p: f32,
    },
    /// PyTorch's `lp_pool`: `(k / n * sum x^p)^(1/p)`, without the absolute value, for a window of `k` taps of
    /// which `n` lie inside the input.
    LpTorch {
        /// The exponent, at least 1.
        p: f32,
    },
}

/// `max`, `average` or `Lp`, with what else it has: `Lp of 2`.
impl fmt::Display for PoolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolKind::Max => f.write_str("max"),
            PoolKind::Average { count_include_pad, divisor } => {
                f.write_str("average")?;
                if *count_include_pad {
                    f.write_str(" with padding")?;
                }
                divisor.map_or(Ok(()), |divisor| write!(f, " by {divisor}"))
            }
            PoolKind::Lp { p } => write!(f, "Lp of {p}"),
            PoolKind::LpTorch { p } => write!(f, "PyTorch's Lp of {p}"),
        }
    }
}

/// How positions of maxima are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum IndexNumbering {
    /// Row-major inside each plane (`h * W + w`), as PyTorch's `return_indices`.
    PerPlane,
    /// Through the whole tensor in NCHW order, as ONNX `Indices` with `storage_order = 0`.
    WholeRowMajor,
    /// As `WholeRowMajor`, with the spatial part in column-major order: `storage_order = 1`.
    WholeColumnMajor,
}

/// `per plane`, `row-major` or `column-major`, the latter through the whole tensor.
impl fmt::Display for IndexNumbering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IndexNumbering::PerPlane => "per plane",
            IndexNumbering::WholeRowMajor => "row-major",
            IndexNumbering::WholeColumnMajor => "column-major",
        })
    }
}

/// Sliding-window pooling over one to three spatial axes.
///
/// Each `Vec` has one number for every spatial axis, outermost first, or a single number for all of them.
/// Shapes: `[N, C, spatial...]` in, `[N, C, windows...]` out (channels last for [`Layout::Nhwc`]).
///
/// ```
/// use wgpool::{host, Op, Padding, Pool, Tensor};
/// let x = Tensor::from_f32(&[1, 1, 2, 4], vec![1., 2., 3., 4., 5., 6., 7., 8.])?;
/// let pool = Op::from(Pool::max([2, 2]));
/// assert_eq!(host::run(&pool, &[&x])?[0].as_f32()?, [6., 8.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Pool {
    /// What is computed of each window.
    pub kind: PoolKind,
    /// Taps of the window on each axis.
    pub window: Vec<usize>,
    /// Distance between windows.
    pub stride: Vec<usize>,
    /// Distance between taps.
    pub dilation: Vec<usize>,
    /// Padding of the input.
    pub padding: Padding,
    /// Whether a last, incomplete window counts.
    pub ceil_mode: bool,
    /// Whether a second output holds the positions of the maxima, and how they are numbered.
    pub indices: Option<IndexNumbering>,
    /// Memory order of input and output.
    pub layout: Layout,
}

impl Pool {
    /// Pooling with stride equal to the window, no dilation and no padding (Keras' and PyTorch's defaults).
    ///
    /// The window is one number for each spatial axis, or one for all: `Pool::max(2)` is `Pool::max([2, 2])` over two.
    pub fn new(kind: PoolKind, window: impl Into<PerAxis>) -> Self {
        let window = Vec::from(window.into());
        Pool {
            kind,
            stride: window.clone(),
            window,
            dilation: vec![1],
            padding: Padding::Valid,
            ceil_mode: false,
            indices: None,
            layout: Layout::Nchw,
        }
    }

    /// Max pooling; see [`Pool::new`].
    pub fn max(window: impl Into<PerAxis>) -> Self {
        Self::new(PoolKind::Max, window)
    }

    /// Average pooling that leaves padding out of the count; see [`Pool::new`].
    pub fn average(window: impl Into<PerAxis>) -> Self {
        Self::new(PoolKind::Average { count_include_pad: false, divisor: None }, window)
    }

    /// Asks for the positions of the maxima as a second output.
    pub fn indices(self, numbering: IndexNumbering) -> Self {
        Self { indices: Some(numbering), ..self }
    }

    setters! {
        /// Sets the distance between windows.
        stride: [usize],
        /// Sets the distance between taps.
        dilation: [usize],
        /// Sets the padding.
        padding: Padding,
        /// Sets ceil mode.
        ceil_mode: bool,
        /// Sets the memory order.
        layout: Layout,
    }
}

/// Pooling into a given number of windows that cover the input: PyTorch `adaptive_max_pool2d` and
/// `adaptive_avg_pool2d`.
///
/// Window `o` of an axis goes from `floor(o * L / O)` to `ceil((o + 1) * L / O)`. Shapes as for [`Pool`].
///
/// ```
/// use wgpool::{AdaptivePool, Op, Tensor, host};
/// let x = Tensor::from_f32(&[1, 1, 5], vec![1., 2., 3., 4., 5.])?;
/// assert_eq!(host::run(&Op::from(AdaptivePool::max([2])), &[&x])?[0].as_f32()?, [3., 5.]);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct AdaptivePool {
    /// What is computed of each window.
    pub kind: PoolKind,
    /// Number of windows on each spatial axis, or one number for all of them.
    pub output: Vec<usize>,
    /// Whether a second output holds the positions of the maxima, and how they are numbered.
    pub indices: Option<IndexNumbering>,
    /// Memory order of input and output.
    pub layout: Layout,
}

impl AdaptivePool {
    /// The maximum of each window.
    pub fn max(output: impl Into<PerAxis>) -> Self {
        Self { kind: PoolKind::Max, output: output.into().into(), indices: None, layout: Layout::Nchw }
    }

    /// The mean of each window.
    pub fn average(output: impl Into<PerAxis>) -> Self {
        let kind = PoolKind::Average { count_include_pad: false, divisor: None };
        Self { kind, ..Self::max(output) }
    }

    /// Asks for the positions of the maxima as a second output.
    pub fn indices(self, numbering: IndexNumbering) -> Self {
        Self { indices: Some(numbering), ..self }
    }

    /// Sets the memory order.
    pub fn layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }
}

/// Max pooling of windows at pseudo-random places: PyTorch `fractional_max_pool2d` and `3d`
/// (Graham, "Fractional Max-Pooling", 2014).
///
/// The second input holds the caller's random samples in `0..1`, shape `[N, C, spatial axes]`: of three axes in
/// their order, of two the last axis first, as PyTorch's `_random_samples`. Windows of an axis start at
/// `floor((i + u) * a) - floor(u * a)` with `a = (L - k) / (O - 1)`, the last one at `L - k`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct FractionalMaxPool {
    /// Taps of the window on each axis, or one number for all of them.
    pub window: Vec<usize>,
    /// Number of windows on each axis, or one number for all of them.
    pub output: Vec<usize>,
    /// Whether a second output holds the positions of the maxima, and how they are numbered.
    pub indices: Option<IndexNumbering>,
    /// Memory order of input and output.
    pub layout: Layout,
}

/// The inverse of max pooling with indices: PyTorch `max_unpool2d`, ONNX `MaxUnpool`.
///
/// Inputs: the values, and their indices (i32, same shape). Every element of the output that no index names is 0;
/// of equal indices the last in row-major order wins. An index outside the output is an error where indices are
/// at hand ([`Engine::run_async`](crate::Engine::run_async), the host path); a binding recorded on the GPU ignores it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct MaxUnpool {
    /// Spatial lengths of the output; [`MaxUnpool::output_of`] computes PyTorch's default.
    pub output: Vec<usize>,
    /// Spatial lengths that the indices count in, if not those of the output.
    pub indexed: Option<Vec<usize>>,
    /// How the indices count.
    pub numbering: IndexNumbering,
    /// Memory order of input and output.
    pub layout: Layout,
}

impl MaxUnpool {
    /// Unpooling to these spatial lengths, with PyTorch's indices.
    pub fn new(output: impl Into<PerAxis>) -> Self {
        Self {
            output: output.into().into(),
            indexed: None,
            numbering: IndexNumbering::PerPlane,
            layout: Layout::Nchw,
        }
    }

    /// The spatial lengths that pooling of this window, stride and padding had for `input` at least:
    /// `(L - 1) * stride - 2 * padding + window`.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if they do not have one number for each axis (or one for all),
    /// or a length would not be positive.
    ///
    /// ```
    /// assert_eq!(wgpool::MaxUnpool::output_of(&[2, 3], &[2], &[2], &[0])?, [4, 6]);
    /// # Ok::<(), wgpool::Error>(())
    /// ```
    pub fn output_of(
        input: &[usize],
        window: &[usize],
        stride: &[usize],
        padding: &[usize],
    ) -> crate::Result<Vec<usize>> {
        crate::geometry::unpooled_lengths(input, window, stride, padding)
    }

    /// Refuses lengths of the output that pooling of this window, stride and padding cannot have had: those that differ
    /// from [`MaxUnpool::output_of`] by the stride or more, as PyTorch's `output_size`.
    ///
    /// The operation itself knows no window, so it takes any output that holds all positions.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for such a length, or if the lists do not have one number for
    /// each axis (or one for all).
    ///
    /// ```
    /// use wgpool::MaxUnpool;
    /// assert!(MaxUnpool::check_output(&[2], &[2], &[2], &[0], &[5]).is_ok());
    /// assert!(MaxUnpool::check_output(&[2], &[2], &[2], &[0], &[6]).is_err());
    /// ```
    pub fn check_output(
        input: &[usize],
        window: &[usize],
        stride: &[usize],
        padding: &[usize],
        output: &[usize],
    ) -> crate::Result<()> {
        crate::geometry::check_unpooled(input, [window, stride, padding], output)
    }
}

/// Pooling of each whole plane: ONNX `GlobalMaxPool` and `GlobalAveragePool`, Keras `GlobalMaxPooling2D`.
///
/// Shapes: `[N, C, spatial...]` in, `[N, C, 1...]` out (channels last for [`Layout::Nhwc`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct GlobalPool {
    /// What is computed of each plane.
    pub kind: PoolKind,
    /// Memory order of input and output.
    pub layout: Layout,
}

impl GlobalPool {
    /// The maximum of each plane.
    pub fn max() -> Self {
        Self { kind: PoolKind::Max, layout: Layout::Nchw }
    }

    /// The mean of each plane.
    pub fn average() -> Self {
        Self { kind: PoolKind::Average { count_include_pad: false, divisor: None }, layout: Layout::Nchw }
    }

    /// Sets the memory order.
    pub fn layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }
}
