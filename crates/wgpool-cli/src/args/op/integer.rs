//! Arguments of integer convolution.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use wgpool::{ConvInteger, DType, Op, Requantize, Result};

use super::common::{Arguments, Files};
use super::conv::WindowArgs;

/// The type of bytes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ByteArg {
    /// Unsigned
    U8,
    /// Signed
    I8,
}

#[derive(Debug, Args)]
pub struct ConvIntegerArgs {
    #[command(flatten)]
    conv: WindowArgs,
    /// The input's zero point, one element of the input's type
    #[arg(long, value_name = "FILE")]
    input_zero: PathBuf,
    /// The kernel's zero points of its type: one, or one for each output channel
    #[arg(long, value_name = "FILE")]
    kernel_zero: PathBuf,
    /// Make bytes of the sums; else they are stored, as i32
    #[arg(long, value_enum, requires = "scales")]
    to: Option<ByteArg>,
    /// What sums are multiplied by, f32: one, or one for each output channel
    #[arg(long, value_name = "FILE", requires = "to")]
    scales: Option<PathBuf>,
    /// The output's zero point
    #[arg(long, value_name = "N", default_value = "0", allow_hyphen_values = true, requires = "to")]
    output_zero: i32,
}

impl Arguments for ConvIntegerArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let requantize = self.to.map(|to| Requantize {
            output: match to {
                ByteArg::U8 => DType::U8,
                ByteArg::I8 => DType::I8,
            },
            zero: self.output_zero,
        });
        Ok(ConvInteger { conv: self.conv.conv()?, requantize }.into())
    }

    fn files(&self) -> Files<'_> {
        let (input, mut weights) = self.conv.tensors();
        let input = input.reads(weights.next()).reads([&self.input_zero, &self.kernel_zero]);
        input.reads(&self.scales).reads(weights)
    }
}
