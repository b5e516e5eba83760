//! Pooling: `MaxPool`, `AveragePool`, `LpPool` of ONNX, `max_pool2d` and its kin of PyTorch.

use super::{Layout, Padding};

/// How a window becomes one value.
#[derive(Clone, Copy, Debug, PartialEq)]
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
}

/// How positions of maxima are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexNumbering {
    /// Row-major inside each plane (`h * W + w`), as PyTorch's `return_indices`.
    PerPlane,
    /// Through the whole tensor in NCHW order, as ONNX `Indices` with `storage_order = 0`.
    WholeRowMajor,
    /// As `WholeRowMajor`, with the spatial part in column-major order: `storage_order = 1`.
    WholeColumnMajor,
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
#[derive(Clone, Debug, PartialEq)]
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
    pub fn new(kind: PoolKind, window: impl Into<Vec<usize>>) -> Self {
        let window = window.into();
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
    pub fn max(window: impl Into<Vec<usize>>) -> Self {
        Self::new(PoolKind::Max, window)
    }

    /// Average pooling that leaves padding out of the count; see [`Pool::new`].
    pub fn average(window: impl Into<Vec<usize>>) -> Self {
        Self::new(PoolKind::Average { count_include_pad: false, divisor: None }, window)
    }

    /// Sets the distance between windows.
    pub fn stride(self, stride: impl Into<Vec<usize>>) -> Self {
        Self { stride: stride.into(), ..self }
    }

    /// Sets the distance between taps.
    pub fn dilation(self, dilation: impl Into<Vec<usize>>) -> Self {
        Self { dilation: dilation.into(), ..self }
    }

    /// Sets the padding.
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// Sets ceil mode.
    pub fn ceil_mode(self, ceil_mode: bool) -> Self {
        Self { ceil_mode, ..self }
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

/// Pooling of each whole plane: ONNX `GlobalMaxPool` and `GlobalAveragePool`, Keras `GlobalMaxPooling2D`.
///
/// Shapes: `[N, C, spatial...]` in, `[N, C, 1...]` out (channels last for [`Layout::Nhwc`]).
#[derive(Clone, Copy, Debug, PartialEq)]
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
