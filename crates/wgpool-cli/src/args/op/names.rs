//! Names of choices, as values of flags.

use clap::ValueEnum;
use wgpool::host::Simd;
use wgpool::{Accuracy, DenseLayout, IndexNumbering, KernelLayout, Layout, RoiMode};

/// [`Layout`] as a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LayoutArg {
    /// Batch, channels, then space: PyTorch and ONNX
    Nchw,
    /// Batch, space, then channels: Keras
    Nhwc,
}

/// [`KernelLayout`] as a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KernelLayoutArg {
    /// Channels, then space, as PyTorch and ONNX have them
    Oihw,
    /// Space, then channels, as Keras has them
    Hwio,
}

/// [`Accuracy`] as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AccuracyArg {
    /// On its own window alone
    Element,
    /// On its tile
    Tile,
    /// On how long its sum is
    Chain,
}

/// [`DenseLayout`] as a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DenseLayoutArg {
    /// Keras
    InOut,
    /// PyTorch and ONNX
    OutIn,
}

/// [`IndexNumbering`] as a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum NumberingArg {
    /// Row by row inside each plane, as PyTorch
    Plane,
    /// Row by row through the whole tensor, as ONNX
    Whole,
    /// Through the whole tensor, each plane column by column, as ONNX with storage_order 1
    WholeColumn,
}

/// [`RoiMode`] as a flag.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoiModeArg {
    /// The mean of the samples
    Average,
    /// The largest of the samples' weighted corners, as ONNX
    Max,
}

/// The kind of pooling behind a convolution.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PoolArg {
    /// The largest element of each window
    Max,
    /// The mean of each window
    Avg,
}

/// The registers of the host path.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SimdArg {
    /// SSE2 on x86-64, NEON on AArch64
    Baseline,
    /// AVX2 and FMA
    Avx2,
    /// AVX-512
    Avx512,
}

impl From<SimdArg> for Simd {
    fn from(arg: SimdArg) -> Simd {
        match arg {
            SimdArg::Baseline => Simd::Baseline,
            SimdArg::Avx2 => Simd::Avx2,
            SimdArg::Avx512 => Simd::Avx512,
        }
    }
}

impl From<AccuracyArg> for Accuracy {
    fn from(accuracy: AccuracyArg) -> Accuracy {
        match accuracy {
            AccuracyArg::Element => Accuracy::Element,
            AccuracyArg::Tile => Accuracy::Tile,
            AccuracyArg::Chain => Accuracy::Chain,
        }
    }
}

impl From<LayoutArg> for Layout {
    fn from(arg: LayoutArg) -> Layout {
        match arg {
            LayoutArg::Nchw => Layout::Nchw,
            LayoutArg::Nhwc => Layout::Nhwc,
        }
    }
}

impl From<KernelLayoutArg> for KernelLayout {
    fn from(arg: KernelLayoutArg) -> KernelLayout {
        match arg {
            KernelLayoutArg::Oihw => KernelLayout::Oihw,
            KernelLayoutArg::Hwio => KernelLayout::Hwio,
        }
    }
}

impl From<DenseLayoutArg> for DenseLayout {
    fn from(arg: DenseLayoutArg) -> DenseLayout {
        match arg {
            DenseLayoutArg::InOut => DenseLayout::InOut,
            DenseLayoutArg::OutIn => DenseLayout::OutIn,
        }
    }
}

impl From<NumberingArg> for IndexNumbering {
    fn from(arg: NumberingArg) -> IndexNumbering {
        match arg {
            NumberingArg::Plane => IndexNumbering::PerPlane,
            NumberingArg::Whole => IndexNumbering::WholeRowMajor,
            NumberingArg::WholeColumn => IndexNumbering::WholeColumnMajor,
        }
    }
}

impl From<RoiModeArg> for RoiMode {
    fn from(arg: RoiModeArg) -> RoiMode {
        match arg {
            RoiModeArg::Average => RoiMode::Average,
            RoiModeArg::Max => RoiMode::Max,
        }
    }
}
