//! What tells one pipeline from another.

use super::conv_patch::ConvPatch;
use super::gemm::GemmKernel;
use super::patch::Patch;
use super::tiled::Tile;
use crate::activation::ActivationKind;
use crate::dtype::DType;
use crate::frame::FrameKernel;
use crate::spec::PoolKind;

/// How a window becomes one value; the numbers are those of `REDUCE` in the shaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Reduce {
    /// The largest element.
    Max = 0,
    /// The mean, of the taps inside the input.
    Average = 1,
    /// The mean, of the taps inside the padded input.
    AveragePadded = 2,
    /// The Lp norm.
    Lp = 3,
    /// PyTorch's Lp norm.
    LpTorch = 4,
}

impl From<PoolKind> for Reduce {
    fn from(kind: PoolKind) -> Reduce {
        match kind {
            PoolKind::Max => Reduce::Max,
            PoolKind::Average { count_include_pad: false, .. } => Reduce::Average,
            PoolKind::Average { count_include_pad: true, .. } => Reduce::AveragePadded,
            PoolKind::Lp { .. } => Reduce::Lp,
            PoolKind::LpTorch { .. } => Reduce::LpTorch,
        }
    }
}

/// How kernels that read pages go through a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taps {
    /// In loops over its taps.
    Any,
    /// Unrolled.
    Few {
        /// Taps along rows and along the last axis: 2 or 3.
        side: u32,
        /// Whether an invocation computes four neighbours along the last axis.
        fours: bool,
    },
    /// Unrolled, without dilation on rows of neighbours: four windows share the columns they load.
    Columns {
        /// Taps along rows and along the last axis: 2 or 3.
        side: u32,
        /// From window to window along the last axis, below `side`.
        stride: u32,
    },
    /// Two by two and unrolled, where windows touch along the last axis and rows begin with whole vectors: the inputs of
    /// four neighbours are two vectors in each row.
    Pairs,
}

impl Taps {
    /// For windows of `kernel` taps along rows, the middle and the last axis, and that many outputs along the last.
    pub(crate) fn of(kernel: [usize; 3], outputs: usize) -> Taps {
        match kernel {
            [2, 1, 2] => Taps::Few { side: 2, fours: outputs.is_multiple_of(4) },
            [3, 1, 3] => Taps::Few { side: 3, fours: outputs.is_multiple_of(4) },
            _ => Taps::Any,
        }
    }

    /// Where four windows of these share the columns they load.
    pub(crate) const COLUMNS: [Taps; 3] = [
        Taps::Columns { side: 2, stride: 1 },
        Taps::Columns { side: 3, stride: 1 },
        Taps::Columns { side: 3, stride: 2 },
    ];

    /// Whether an invocation computes four neighbours.
    pub(crate) fn fours(self) -> bool {
        matches!(self, Taps::Few { fours: true, .. } | Taps::Columns { .. } | Taps::Pairs)
    }

    /// Taps along each axis, if the loops are unrolled.
    pub(crate) fn side(self) -> Option<u32> {
        match self {
            Taps::Any | Taps::Pairs => None,
            Taps::Few { side, .. } | Taps::Columns { side, .. } => Some(side),
        }
    }
}

/// A pipeline's identity: the only thing its text and constants are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KernelKey {
    /// Sliding-window pooling.
    Pool {
        /// What is computed of each window.
        reduce: Reduce,
        /// Type of the elements.
        dtype: DType,
        /// Whether positions of maxima are stored.
        indices: bool,
        /// Whether channels lie last.
        channels_last: bool,
        /// Whether the windows divide the input among them.
        adaptive: bool,
    },
    /// Sliding-window pooling of f32 read through pages.
    PoolPages {
        /// What is computed of each window.
        reduce: Reduce,
        /// How it goes through the window.
        taps: Taps,
        /// Whether an invocation computes a run of outputs of a page before it turns to the next page.
        runs: bool,
    },
    /// Depthwise convolution of f32 read through pages.
    DepthwisePages {
        /// Applied to the result.
        activation: ActivationKind,
        /// Whether channels lie last.
        channels_last: bool,
        /// How it goes through the window.
        taps: Taps,
    },
    /// Sliding-window pooling of patches, on hardware.
    PoolPatch {
        /// What is computed of each window.
        reduce: Reduce,
        /// What an invocation computes.
        patch: Patch,
    },
    /// Depthwise convolution of patches, on hardware.
    DepthwisePatch {
        /// Applied to the result.
        activation: ActivationKind,
        /// What an invocation computes.
        patch: Patch,
    },
    /// Fractional max pooling.
    Fractional {
        /// Whether positions of maxima are stored.
        indices: bool,
        /// Whether channels lie last.
        channels_last: bool,
    },
    /// A stage of max unpooling.
    Unpool {
        /// 0 forgets who owns each output, 1 lets the last input own it, 2 writes.
        stage: u32,
        /// Type of the elements.
        dtype: DType,
    },
    /// RoiAlign.
    RoiAlign,
    /// MaxRoiPool.
    MaxRoi,
    /// Pooling of whole planes.
    PoolPlane {
        /// What is computed of each plane.
        reduce: Reduce,
        /// Type of the elements.
        dtype: DType,
        /// Invocations that share a plane: a power of two, at most a workgroup.
        share: u32,
    },
    /// Direct convolution.
    Conv {
        /// Type of the elements.
        dtype: DType,
        /// Applied to the result.
        activation: ActivationKind,
        /// Whether channels lie last.
        channels_last: bool,
    },
    /// Transposed convolution.
    ConvTranspose {
        /// Type of the elements.
        dtype: DType,
        /// Applied to the result.
        activation: ActivationKind,
        /// Whether channels lie last.
        channels_last: bool,
    },
    /// Convolution and pooling.
    ConvPool {
        /// Type of the elements.
        dtype: DType,
        /// Applied to the convolution's result.
        activation: ActivationKind,
        /// Whether channels lie last.
        channels_last: bool,
        /// What is computed of each window.
        reduce: Reduce,
    },
    /// Convolution in register tiles, with weights in a uniform page, and maximum pooling behind it.
    ConvTiled {
        /// What an invocation computes.
        tile: Tile,
        /// Applied to the convolution's result.
        activation: ActivationKind,
        /// Whether the sums begin here, and do not go on with what the output holds.
        first: bool,
        /// Whether they end here, and bias and activation follow.
        last: bool,
    },
    /// The input of a tiled convolution, padded, in regions that pages hold.
    PackInput,
    /// Weights in the order that tiled convolutions read them in.
    PackWeights {
        /// Type of the elements.
        dtype: DType,
    },
    /// Convolution as a product of matrices.
    ConvGemm(GemmKernel),
    /// Convolution of few channels, on hardware.
    ConvPatch(ConvPatch),
    /// Weights in the order in which [`KernelKey::ConvGemm`] and [`KernelKey::ConvPatch`] read them.
    PackGemm {
        /// Type of the elements.
        dtype: DType,
    },
    /// The sum of the parts of a convolution's sums, with bias.
    ConvParts {
        /// Type of the elements.
        dtype: DType,
        /// Applied to the result.
        activation: ActivationKind,
    },
    /// Integer convolution, whose output are sums.
    ConvInteger {
        /// Type of the input.
        dtype: DType,
        /// Whether channels lie last.
        channels_last: bool,
    },
    /// The kernel of an integer convolution, less its zero points, as [`KernelKey::ConvInteger`] reads it.
    PackInteger {
        /// Type of the kernel.
        dtype: DType,
    },
    /// Sums of an integer convolution as bytes.
    Requantize {
        /// Type of the output.
        dtype: DType,
    },
    /// The samples of a deformable convolution.
    DeformSamples,
    /// Windows that are added up to images.
    Col2Im {
        /// Type of the elements.
        dtype: DType,
    },
    /// The sequences of a causal convolution, and the state that is handed on.
    CausalSequence {
        /// Type of the elements.
        dtype: DType,
    },
    /// Weights transformed for Winograd's algorithm.
    WinogradWeights {
        /// Type of the elements.
        dtype: DType,
    },
    /// Inputs transformed for Winograd's algorithm.
    WinogradInput {
        /// Type of the elements.
        dtype: DType,
    },
    /// Products of Winograd's algorithm transformed back.
    WinogradOutput {
        /// Type of the elements.
        dtype: DType,
        /// Applied to the result.
        activation: ActivationKind,
        /// Whether the largest of each 2 by 2 is stored.
        pool: bool,
    },
    /// A dense layer with few outputs.
    Dense {
        /// Type of the elements.
        dtype: DType,
        /// Applied to the result.
        activation: ActivationKind,
    },
    /// A picture to a tensor, or a tensor to a picture.
    Frame(FrameKernel),
    /// Softmax, a row an invocation.
    Softmax,
    /// Softmax of long rows, a row a workgroup.
    SoftmaxRows,
    /// An activation by itself.
    Activation {
        /// Which.
        activation: ActivationKind,
    },
}

impl KernelKey {
    /// Its activation, if its results may have one.
    pub fn activation_mut(&mut self) -> Option<&mut ActivationKind> {
        match self {
            KernelKey::DepthwisePages { activation, .. }
            | KernelKey::DepthwisePatch { activation, .. }
            | KernelKey::Conv { activation, .. }
            | KernelKey::ConvTranspose { activation, .. }
            | KernelKey::ConvPool { activation, .. }
            | KernelKey::ConvTiled { activation, .. }
            | KernelKey::ConvGemm(GemmKernel { activation, .. })
            | KernelKey::ConvPatch(ConvPatch { activation, .. })
            | KernelKey::ConvParts { activation, .. }
            | KernelKey::WinogradOutput { activation, .. }
            | KernelKey::Dense { activation, .. }
            | KernelKey::Activation { activation } => Some(activation),
            _ => None,
        }
    }
}
