//! Arguments of softmax and activations.

use std::path::PathBuf;

use clap::Args;
use wgpool::{Activation, Op, Result, Softmax};

use super::common::{Arguments, Common, Files};
use super::conv::with_slope;

#[derive(Debug, Args)]
pub struct SoftmaxArgs {
    #[command(flatten)]
    common: Common,
    /// The axis; negative numbers count from the last
    #[arg(long, default_value = "-1", allow_negative_numbers = true)]
    axis: isize,
}

impl Arguments for SoftmaxArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(Softmax { axis: self.axis }.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files()
    }
}

#[derive(Debug, Args)]
pub struct ActivationArgs {
    #[arg(value_name = "NAME", help = Activation::forms())]
    function: Activation,
    /// The slope of prelu: one number, or of a shape such as [channels, 1, 1]: .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    slope: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Arguments for ActivationArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(with_slope(self.function, self.slope.as_ref())?.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().reads(&self.slope)
    }
}
