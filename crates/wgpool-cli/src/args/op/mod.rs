//! `wgpool op`: every field of an operation as a flag.

mod common;
mod conv;
mod integer;
mod moved;
pub(super) mod names;
mod pointwise;
mod pool;
mod region;

use clap::{Args, Subcommand};

use super::{Which, parse};
pub use common::{Arguments, Input, Plane};
use conv::{ConvArgs, ConvPoolArgs, ConvTransposeArgs, DenseArgs};
use integer::ConvIntegerArgs;
use moved::{CausalConvArgs, Col2ImArgs, DeformConvArgs};
use pointwise::{ActivationArgs, ElementwiseArgs, SoftmaxArgs};
use pool::{
    AdaptiveAvgArgs, AdaptiveMaxArgs, AvgPoolArgs, FractionalArgs, GlobalAvgArgs, GlobalLpArgs,
    GlobalMaxArgs, LpPoolArgs, MaxPoolArgs, UnpoolArgs,
};
use region::{MaxRoiArgs, RoiAlignArgs};

/// What follows the flags of an operation: an example, and how sizes are written.
macro_rules! after {
    (padding, $example:literal) => {
        concat!(
            "Padding is valid, same-upper, same-lower, N, HxW, or BEFORE:AFTER as in 0x1:1x2.\n",
            after!(sizes, $example)
        )
    };
    (sizes, $example:literal) => {
        concat!(
            "Sizes are one number for all spatial axes or one for each, as in 3, 2x2 or 1x3x3.\n\n",
            after!($example)
        )
    };
    ($example:literal) => {
        concat!("Example:\n  wgpool op ", $example)
    };
}

const EXAMPLES: &str = "\
Each operation has a help of its own, as in `wgpool op conv --help`.
Arrays are .npy or .safetensors (one tensor, or the one named `input`) of f32, f16 or bf16;
max pooling, unpooling and integer convolution take u8 and i8. Positions and numbers of images are i32.
Arrays of other types, of either byte order and in Fortran order, are converted where every number stays
what it is, which a line says; --cast takes the nearest numbers elsewhere. An array of two axes is an
image of one channel. A picture (PNG, JPEG) is one image of numbers from 0 to 1 with the channels it
has; an output of one image is written as a picture where its name says so, and numbers outside 0 to 1
are clipped, which a line says. What a file holds is told by its contents. Without -o the output is printed.
An output may be one of the inputs: files appear, and replace others, when all results are there.

Examples:
  wgpool op max-pool --window 2x2 photo.png -o out.png
  wgpool op max-pool --window 2x2 in.npy -o out.npy --indices positions.npy
  wgpool op avg-pool --window 3 --stride 2 --padding 1 --count-include-pad in.npy -o out.npy
  wgpool op conv --kernel w.npy --bias b.npy --padding same --activation relu in.npy -o out.npy
  wgpool op softmax --axis 1 in.npy -o out.npy --adapter reference";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct OpArgs {
    #[command(subcommand)]
    pub operation: Operation,
    /// Print the kernels that compute it and why, the bytes they move, their arithmetic and the memory
    #[arg(long, global = true)]
    pub explain: bool,
    /// Convert arrays to the types that the operation takes even where numbers change: to the nearest there are
    #[arg(long, global = true)]
    pub cast: bool,
    /// Read a picture as grey (ITU-R BT.601)
    #[arg(long, global = true)]
    pub grey: bool,
    /// The kernels: auto, gpu, cooperative, or names of `wgpool kernels` such as conv/gemm or 'conv/*'
    #[arg(long, global = true, value_parser = parse::kernels, default_value = "auto", value_name = "WHICH")]
    pub kernels: Which,
}

#[derive(Debug, Subcommand)]
pub enum Operation {
    /// The largest element of each window
    #[command(after_help = after!(padding, "max-pool --window 2x2 in.npy -o out.npy --indices positions.npy"))]
    MaxPool(MaxPoolArgs),
    /// The mean of each window
    #[command(alias = "average-pool", after_help = after!(padding, "avg-pool --window 3 --stride 2 --padding 1 in.npy -o out.npy"))]
    AvgPool(AvgPoolArgs),
    /// The p-norm of each window
    #[command(after_help = after!(padding, "lp-pool --p 3 --window 2 in.npy -o out.npy"))]
    LpPool(LpPoolArgs),
    /// The largest element of each plane
    #[command(after_help = after!("global-max-pool in.npy -o out.npy"))]
    GlobalMaxPool(GlobalMaxArgs),
    /// The mean of each plane
    #[command(alias = "global-average-pool", after_help = after!("global-avg-pool --layout nhwc in.npy -o out.npy"))]
    GlobalAvgPool(GlobalAvgArgs),
    /// The p-norm of each plane
    #[command(after_help = after!("global-lp-pool --p 2 in.npy -o out.npy"))]
    GlobalLpPool(GlobalLpArgs),
    /// The largest element of each of a given number of windows
    #[command(after_help = after!(sizes, "adaptive-max-pool --output-size 6x6 in.npy -o out.npy"))]
    AdaptiveMaxPool(AdaptiveMaxArgs),
    /// The mean of each of a given number of windows
    #[command(alias = "adaptive-average-pool", after_help = after!(sizes, "adaptive-avg-pool --output-size 1 in.npy -o out.npy"))]
    AdaptiveAvgPool(AdaptiveAvgArgs),
    /// Max pooling of windows at random places
    #[command(after_help = after!(
        sizes,
        "fractional-max-pool --window 2 --output-size 5x7 --samples u.npy in.npy -o out.npy"
    ))]
    FractionalMaxPool(FractionalArgs),
    /// Values put back where max pooling found them
    #[command(after_help = after!(
        sizes,
        "max-unpool --indices positions.npy --window 2 pooled.npy -o out.npy"
    ))]
    MaxUnpool(UnpoolArgs),
    /// Bilinear pooling of regions
    #[command(after_help = after!(
        "roi-align --regions boxes.npy --images numbers.npy --output-size 7x7 --half-pixel in.npy -o out.npy"
    ))]
    RoiAlign(RoiAlignArgs),
    /// Max pooling of regions with rounded bounds
    #[command(after_help = after!(
        "max-roi-pool --regions boxes.npy --output-size 7x7 --spatial-scale 0.0625 in.npy -o out.npy"
    ))]
    MaxRoiPool(MaxRoiArgs),
    /// Convolution with bias and activation
    #[command(after_help = after!(
        padding,
        "conv --kernel w.npy --bias b.npy --padding same --activation relu in.npy -o out.npy"
    ))]
    Conv(ConvArgs),
    /// Transposed convolution with bias and activation
    #[command(after_help = after!(
        padding,
        "conv-transpose --kernel w.npy --stride 2 --padding 1 --output-padding 1 in.npy -o out.npy"
    ))]
    ConvTranspose(ConvTransposeArgs),
    /// Convolution, activation and pooling in one
    #[command(after_help = after!(
        padding,
        "conv-pool --kernel w.npy --activation relu --pool max --pool-window 2 in.npy -o out.npy"
    ))]
    ConvPool(ConvPoolArgs),
    /// Convolution of bytes, exact in 32-bit integers
    #[command(after_help = after!(
        padding,
        "conv-integer --kernel w.npy --input-zero xz.npy --kernel-zero wz.npy --to u8 --scales s.npy in.npy -o out.npy"
    ))]
    ConvInteger(ConvIntegerArgs),
    /// Convolution whose taps are moved by offsets
    #[command(after_help = after!(
        padding,
        "deform-conv --kernel w.npy --offsets offsets.npy --mask mask.npy --padding 1 in.npy -o out.npy"
    ))]
    DeformConv(DeformConvArgs),
    /// Causal depthwise convolution that goes on from a state
    #[command(after_help = after!(
        "causal-conv --kernel w.npy --state before.npy --next-state after.npy --activation silu in.npy -o out.npy"
    ))]
    CausalConv(CausalConvArgs),
    /// Columns of windows added up to images
    #[command(name = "col2im", after_help = after!(padding, "col2im --image-size 28x28 --window 3x3 --padding 1 in.npy -o out.npy"))]
    Col2Im(Col2ImArgs),
    /// A fully connected layer on the last axis
    #[command(after_help = after!("dense --kernel w.npy --bias b.npy --activation relu in.npy -o out.npy"))]
    Dense(DenseArgs),
    /// Softmax along one axis
    #[command(after_help = after!("softmax --axis 1 in.npy -o out.npy"))]
    Softmax(SoftmaxArgs),
    /// An activation, element by element
    #[command(after_help = after!("activation leaky-relu:0.1 in.npy -o out.npy"))]
    Activation(ActivationArgs),
    /// A function of elements: of one array, or of two that are broadcast
    #[command(after_help = after!("elementwise add a.npy b.npy -o out.npy --activation relu"))]
    Elementwise(ElementwiseArgs),
}

impl Operation {
    /// The arguments, whichever they are.
    pub fn arguments(&self) -> &dyn Arguments {
        match self {
            Operation::MaxPool(args) => args,
            Operation::AvgPool(args) => args,
            Operation::LpPool(args) => args,
            Operation::GlobalMaxPool(args) => args,
            Operation::GlobalAvgPool(args) => args,
            Operation::GlobalLpPool(args) => args,
            Operation::AdaptiveMaxPool(args) => args,
            Operation::AdaptiveAvgPool(args) => args,
            Operation::FractionalMaxPool(args) => args,
            Operation::MaxUnpool(args) => args,
            Operation::RoiAlign(args) => args,
            Operation::MaxRoiPool(args) => args,
            Operation::Conv(args) => args,
            Operation::ConvTranspose(args) => args,
            Operation::ConvPool(args) => args,
            Operation::ConvInteger(args) => args,
            Operation::DeformConv(args) => args,
            Operation::CausalConv(args) => args,
            Operation::Col2Im(args) => args,
            Operation::Dense(args) => args,
            Operation::Softmax(args) => args,
            Operation::Activation(args) => args,
            Operation::Elementwise(args) => args,
        }
    }
}
