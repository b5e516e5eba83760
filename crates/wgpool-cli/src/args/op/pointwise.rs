//! Arguments of softmax, activations and functions of elements.

use std::path::PathBuf;

use clap::Args;
use wgpool::{Activation, Elementwise, Op, Result, Softmax};

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

#[derive(Debug, Args)]
pub struct ElementwiseArgs {
    #[arg(value_name = "FUNCTION", value_parser = function, help = names())]
    function: Elementwise,
    #[command(flatten)]
    common: Common,
    /// The other input of a function of two, which are broadcast as NumPy does it
    other: Option<PathBuf>,
    /// Applied to the result: NAME[:NUMBERS]
    #[arg(long, default_value = "none")]
    activation: Activation,
}

/// The functions there are.
fn names() -> String {
    Elementwise::names().collect::<Vec<_>>().join(", ")
}

fn function(name: &str) -> Result<Elementwise, String> {
    Elementwise::named(name).ok_or_else(|| format!("the functions are {}", names()))
}

impl Arguments for ElementwiseArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let function = self.function.clone();
        Ok(match self.activation {
            Activation::None => function,
            activation => function.then_activation(activation),
        }
        .into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files().reads(&self.other)
    }
}
