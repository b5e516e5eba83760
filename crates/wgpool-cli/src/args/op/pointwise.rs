//! Arguments of softmax and activations.

use clap::Args;
use wgpool::{Activation, Op, Result, Softmax};

use super::common::{Arguments, Common, Files};

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
    #[command(flatten)]
    common: Common,
}

impl Arguments for ActivationArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(self.function.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files()
    }
}
