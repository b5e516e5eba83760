//! Arguments of deformable and causal convolution, and of windows that are added up to images.

use std::path::PathBuf;

use clap::Args;
use wgpool::{CausalConv, Col2Im, DeformConv, Op, Padding, Result};

use super::super::parse::{self, Sizes};
use super::common::{Arguments, Common, Files};
use super::conv::{WeightArgs, WindowArgs};

#[derive(Debug, Args)]
pub struct DeformConvArgs {
    #[command(flatten)]
    conv: WindowArgs,
    /// The offsets of the taps, [batch, offset groups * taps * axes, output...]
    #[arg(long, value_name = "FILE")]
    offsets: PathBuf,
    /// What taps are multiplied by, [batch, offset groups * taps, output...]
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// Groups of input channels with offsets of their own
    #[arg(long, value_name = "N", default_value = "1")]
    offset_groups: usize,
}

impl Arguments for DeformConvArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let (conv, mask) = (self.conv.conv()?, self.mask.is_some());
        Ok(DeformConv { conv, offset_groups: self.offset_groups, mask }.into())
    }

    fn files(&self) -> Files<'_> {
        let (input, weights) = self.conv.tensors();
        input.reads([&self.offsets]).reads(&self.mask).reads(weights)
    }
}

#[derive(Debug, Args)]
pub struct CausalConvArgs {
    #[command(flatten)]
    weights: WeightArgs,
    /// What came before the input, [batch, channels, taps - 1]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The state for what comes next: .npy or .safetensors
    #[arg(long, value_name = "FILE")]
    next_state: Option<PathBuf>,
}

impl Arguments for CausalConvArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        Ok(CausalConv { state: self.state.is_some(), activation: self.weights.activation()? }.into())
    }

    fn files(&self) -> Files<'_> {
        let (input, weights) = self.weights.tensors();
        input.reads(&self.state).reads(weights).writes(&self.next_state)
    }
}

#[derive(Debug, Args)]
pub struct Col2ImArgs {
    #[command(flatten)]
    common: Common,
    /// Lengths of the images, one for each axis
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    image_size: Sizes,
    /// Taps of the window, one for each axis
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes)]
    window: Sizes,
    /// Distance between windows
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    stride: Sizes,
    /// Distance between taps
    #[arg(long, value_name = "SIZE", value_parser = parse::sizes, default_value = "1")]
    dilation: Sizes,
    /// Padding of the images, which is cut off
    #[arg(long, value_name = "PADDING", value_parser = parse::padding, default_value = "valid")]
    padding: Padding,
}

impl Arguments for Col2ImArgs {
    fn op(&self, _: &[usize]) -> Result<Op> {
        let op = Col2Im {
            image: self.image_size.0.clone(),
            window: self.window.0.clone(),
            stride: self.stride.0.clone(),
            dilation: self.dilation.0.clone(),
            padding: self.padding.clone(),
        };
        Ok(op.into())
    }

    fn files(&self) -> Files<'_> {
        self.common.files()
    }
}
