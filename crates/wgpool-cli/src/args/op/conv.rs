//! Arguments of convolution and dense layers.

use std::path::PathBuf;

use clap::Args;
use wgpool::{
    Activation, Conv, ConvPool, ConvTranspose, Dense, Error, KernelLayout, Op, Padding, Pool, PoolKind,
    Result,
};

use super::super::parse::{self, Sizes};
use super::common::{Arguments, Common, Files};
use super::names::{AccuracyArg, DenseLayoutArg, KernelLayoutArg, LayoutArg, PoolArg};

/// The input, the weights and the output of a convolution or a dense layer.
#[derive(Debug, Args)]
pub struct WeightArgs {
    #[command(flatten)]
    common: Common,
    /// The kernel: .npy or .safetensors
    #[arg(long, alias = "weights", value_name = "FILE")]
    kernel: PathBuf,
    /// The bias: .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    bias: Option<PathBuf>,
    #[arg(long, value_name = "NAME", default_value = "none")]
    #[arg(help = format!("Applied to each result: {}", Activation::forms()))]
    activation: Activation,
    /// The slope of prelu, one number or one for each output channel: .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    slope: Option<PathBuf>,
}

impl WeightArgs {
    fn files(&self) -> Files<'_> {
        let (input, weights) = self.tensors();
        input.reads(weights)
    }

    /// The files of input and output, and those of kernel, bias and slope.
    pub(super) fn tensors(&self) -> (Files<'_>, impl Iterator<Item = &PathBuf>) {
        (self.common.files(), std::iter::once(&self.kernel).chain(&self.bias).chain(&self.slope))
    }

    pub(super) fn activation(&self) -> Result<Activation> {
        with_slope(self.activation, self.slope.as_ref())
    }
}

/// Refuses a slope that no activation takes, which would be taken for a bias, and PReLU without one.
pub(super) fn with_slope(activation: Activation, slope: Option<&PathBuf>) -> Result<Activation> {
    if slope.is_some() == (activation == Activation::PRelu) {
        return Ok(activation);
    }
    let rule = "--slope belongs to prelu, which needs it";
    Err(Error::parameter("command line", "activation", format_args!("{activation}"), rule))
}

#[derive(Debug, Args)]
pub(super) struct WindowArgs {
    #[command(flatten)]
    weights: WeightArgs,
    /// Distance between windows
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    stride: Sizes,
    /// Distance between taps
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    dilation: Sizes,
    /// Zero padding of the input; transposed, what is cut off the output
    #[arg(long, value_name = "PADDING", value_parser = parse::padding, default_value = "valid")]
    padding: Padding,
    /// Groups that input and output channels are divided into
    #[arg(long, value_name = "N", default_value = "1")]
    groups: usize,
    /// Memory order of input and output
    #[arg(long, value_enum, default_value = "nchw")]
    layout: LayoutArg,
    /// Order of the kernel's axes
    #[arg(long, value_enum, default_value = "oihw")]
    kernel_layout: KernelLayoutArg,
}

impl WindowArgs {
    pub(super) fn tensors(&self) -> (Files<'_>, impl Iterator<Item = &PathBuf>) {
        let (input, weights) = self.weights.tensors();
        (input.image(self.layout), weights)
    }

    pub(super) fn kernel_layout(&self) -> KernelLayout {
        self.kernel_layout.into()
    }

    fn files(&self) -> Files<'_> {
        let (input, mut weights) = self.tensors();
        input.kernel(weights.next(), self.kernel_layout()).reads(weights)
    }

    pub(super) fn conv(&self) -> Result<Conv> {
        Ok(Conv {
            stride: self.stride.0.clone(),
            dilation: self.dilation.0.clone(),
            padding: self.padding.clone(),
            groups: self.groups,
            activation: self.weights.activation()?,
            layout: self.layout.into(),
            kernel_layout: self.kernel_layout.into(),
            ..Conv::new()
        })
    }
}

#[derive(Debug, Args)]
pub struct ConvArgs {
    #[command(flatten)]
    windows: WindowArgs,
    /// What the error of an element may depend on: its window; its tile, which permits Winograd's algorithm; or the length of its
    /// sum, which permits plain chains
    #[arg(long, value_enum, default_value = "element")]
    accuracy: AccuracyArg,
    /// What is added before the activation, of the output's shape; not with pooling: .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    residual: Option<PathBuf>,
}

impl ConvArgs {
    fn conv(&self) -> Result<Conv> {
        Ok(self.windows.conv()?.accuracy(self.accuracy.into()).residual(self.residual.is_some()))
    }
}

impl Arguments for ConvArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(self.conv()?.into())
    }

    fn files(&self) -> Files<'_> {
        self.windows.files().reads(&self.residual)
    }
}

#[derive(Debug, Args)]
pub struct ConvTransposeArgs {
    #[command(flatten)]
    windows: WindowArgs,
    /// Elements added at the end of each axis
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "0")]
    output_padding: Sizes,
    /// Lengths of the output, which then determine the padding
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    output_size: Option<Sizes>,
}

impl Arguments for ConvTransposeArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let Conv { stride, dilation, padding, groups, activation, layout, kernel_layout, .. } =
            self.windows.conv()?;
        let conv = ConvTranspose {
            stride,
            dilation,
            padding,
            output_padding: self.output_padding.0.clone(),
            output: self.output_size.as_ref().map(|size| size.0.clone()),
            groups,
            activation,
            layout,
            kernel_layout,
        };
        Ok(conv.into())
    }

    fn files(&self) -> Files<'_> {
        self.windows.files()
    }
}

#[derive(Debug, Args)]
pub struct ConvPoolArgs {
    #[command(flatten)]
    conv: ConvArgs,
    /// The pooling behind the convolution
    #[arg(long, value_enum)]
    pool: PoolArg,
    /// Taps of the pooling's window
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    pool_window: Sizes,
    /// Distance between its windows [default: the window]
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    pool_stride: Option<Sizes>,
    /// Distance between its taps
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    pool_dilation: Sizes,
    /// Padding of the convolution's result
    #[arg(long, value_name = "PADDING", value_parser = parse::padding, default_value = "valid")]
    pool_padding: Padding,
    /// Count a last, incomplete window
    #[arg(long)]
    pool_ceil: bool,
    /// Count padded elements in the divisor of a mean
    #[arg(long)]
    pool_count_include_pad: bool,
    /// A divisor of a mean that replaces the count
    #[arg(long, value_name = "N")]
    pool_divisor: Option<u32>,
}

impl ConvPoolArgs {
    fn kind(&self) -> Result<PoolKind> {
        let (count_include_pad, divisor) = (self.pool_count_include_pad, self.pool_divisor);
        match self.pool {
            PoolArg::Avg => Ok(PoolKind::Average { count_include_pad, divisor }),
            PoolArg::Max if !count_include_pad && divisor.is_none() => Ok(PoolKind::Max),
            PoolArg::Max => Err(Error::Parameter {
                op: "convolution with pooling",
                parameter: "pool",
                value: "max".into(),
                rule: "--pool-count-include-pad and --pool-divisor belong to avg".into(),
            }),
        }
    }
}

impl Arguments for ConvPoolArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let conv = self.conv.conv()?;
        let stride = self.pool_stride.as_ref().unwrap_or(&self.pool_window);
        let pool = Pool::new(self.kind()?, self.pool_window.0.clone())
            .stride(stride.0.clone())
            .dilation(self.pool_dilation.0.clone())
            .padding(self.pool_padding.clone())
            .ceil_mode(self.pool_ceil)
            .layout(conv.layout);
        Ok(ConvPool { conv, pool }.into())
    }

    fn files(&self) -> Files<'_> {
        self.conv.windows.files()
    }
}

#[derive(Debug, Args)]
pub struct DenseArgs {
    #[command(flatten)]
    weights: WeightArgs,
    /// Order of the kernel's axes
    #[arg(long, value_enum, default_value = "in-out")]
    kernel_layout: DenseLayoutArg,
}

impl Arguments for DenseArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(Dense { activation: self.weights.activation()?, kernel_layout: self.kernel_layout.into() }.into())
    }

    fn files(&self) -> Files<'_> {
        self.weights.files()
    }
}
