//! `wgpool op`: every field of an operation as a flag.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use wgpool::{Activation, DenseLayout, IndexNumbering, KernelLayout, Layout, Padding};

use super::parse::{self, Sizes};

const SIZES: &str = "\
Sizes are one number for all spatial axes or one for each, as in 3, 2x2 or 1x3x3.
Padding is valid, same-upper, same-lower, N, HxW, or BEFORE:AFTER as in 0x1:1x2.";

const EXAMPLES: &str = "\
Each operation has a help of its own, as in `wgpool op conv --help`.
Arrays are .npy or .safetensors (one tensor, or the one named `input`) of f32 or f16;
max pooling also takes u8 and i8.

Examples:
  wgpool op max-pool --window 2x2 in.npy -o out.npy --indices positions.npy
  wgpool op avg-pool --window 3 --stride 2 --padding 1 --count-include-pad in.npy -o out.npy
  wgpool op conv --kernel w.npy --bias b.npy --padding same --activation relu in.npy -o out.npy
  wgpool op softmax --axis 1 in.npy -o out.npy --adapter reference";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct OpArgs {
    #[command(subcommand)]
    pub operation: Operation,
}

#[derive(Debug, Subcommand)]
pub enum Operation {
    /// The largest element of each window
    #[command(after_help = SIZES)]
    MaxPool(MaxPoolArgs),
    /// The mean of each window
    #[command(after_help = SIZES)]
    AvgPool(AvgPoolArgs),
    /// The p-norm of each window
    #[command(after_help = SIZES)]
    LpPool(LpPoolArgs),
    /// The largest element of each plane
    GlobalMaxPool(GlobalArgs),
    /// The mean of each plane
    GlobalAvgPool(GlobalArgs),
    /// Convolution with bias and activation
    #[command(after_help = SIZES)]
    Conv(ConvArgs),
    /// A fully connected layer on the last axis
    Dense(DenseArgs),
    /// Softmax along one axis
    Softmax(SoftmaxArgs),
    /// An activation, element by element
    Activation(ActivationArgs),
}

/// What every operation has.
#[derive(Debug, Args)]
pub struct Common {
    /// The input: .npy or .safetensors
    pub input: PathBuf,
    /// The output: .npy or .safetensors
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// What sliding windows have.
#[derive(Debug, Args)]
pub struct WindowArgs {
    /// Taps of the window
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    pub window: Sizes,
    /// Distance between windows [default: the window]
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    pub stride: Option<Sizes>,
    /// Distance between taps
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    pub dilation: Sizes,
    /// Padding of the input
    #[arg(long, value_name = "PADDING", value_parser = parse::padding, default_value = "valid")]
    pub padding: Padding,
    /// Count a last, incomplete window
    #[arg(long)]
    pub ceil: bool,
    /// Memory order of input and output
    #[arg(long, value_enum, default_value = "nchw")]
    pub layout: LayoutArg,
}

#[derive(Debug, Args)]
pub struct MaxPoolArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub window: WindowArgs,
    /// File for the positions of the maxima
    #[arg(long, value_name = "FILE")]
    pub indices: Option<PathBuf>,
    /// How positions are numbered
    #[arg(long, value_enum, default_value = "plane", requires = "indices")]
    pub index_numbering: NumberingArg,
}

#[derive(Debug, Args)]
pub struct AvgPoolArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub window: WindowArgs,
    /// Count padded elements in the divisor
    #[arg(long)]
    pub count_include_pad: bool,
    /// A divisor that replaces the count
    #[arg(long, value_name = "N")]
    pub divisor: Option<u32>,
}

#[derive(Debug, Args)]
pub struct LpPoolArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub window: WindowArgs,
    /// The exponent, at least 1
    #[arg(short, long, default_value = "2")]
    pub p: f32,
}

#[derive(Debug, Args)]
pub struct GlobalArgs {
    #[command(flatten)]
    pub common: Common,
    /// Memory order of input and output
    #[arg(long, value_enum, default_value = "nchw")]
    pub layout: LayoutArg,
}

/// The weights of a convolution or a dense layer.
#[derive(Debug, Args)]
pub struct WeightArgs {
    /// The kernel: .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    pub kernel: PathBuf,
    /// The bias: .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    pub bias: Option<PathBuf>,
    /// Applied to each result: none, relu, relu6, leaky-relu[:SLOPE], sigmoid, tanh, silu, gelu, gelu-tanh
    #[arg(long, value_name = "NAME", value_parser = parse::activation, default_value = "none")]
    pub activation: Activation,
}

#[derive(Debug, Args)]
pub struct ConvArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub weights: WeightArgs,
    /// Distance between windows
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    pub stride: Sizes,
    /// Distance between taps
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    pub dilation: Sizes,
    /// Zero padding of the input
    #[arg(long, value_name = "PADDING", value_parser = parse::padding, default_value = "valid")]
    pub padding: Padding,
    /// Groups that input and output channels are divided into
    #[arg(long, value_name = "N", default_value = "1")]
    pub groups: usize,
    /// Memory order of input and output
    #[arg(long, value_enum, default_value = "nchw")]
    pub layout: LayoutArg,
    /// Order of the kernel's axes
    #[arg(long, value_enum, default_value = "oihw")]
    pub kernel_layout: KernelLayoutArg,
}

#[derive(Debug, Args)]
pub struct DenseArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub weights: WeightArgs,
    /// Order of the kernel's axes
    #[arg(long, value_enum, default_value = "in-out")]
    pub kernel_layout: DenseLayoutArg,
}

#[derive(Debug, Args)]
pub struct SoftmaxArgs {
    #[command(flatten)]
    pub common: Common,
    /// The axis; negative numbers count from the last
    #[arg(long, default_value = "-1", allow_negative_numbers = true)]
    pub axis: isize,
}

#[derive(Debug, Args)]
pub struct ActivationArgs {
    /// relu, relu6, leaky-relu[:SLOPE], sigmoid, tanh, silu, gelu, gelu-tanh or none
    #[arg(value_parser = parse::activation, value_name = "NAME")]
    pub function: Activation,
    #[command(flatten)]
    pub common: Common,
}

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
    /// Out, in, then space: PyTorch and ONNX
    Oihw,
    /// Space, in, then out: Keras
    Hwio,
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
