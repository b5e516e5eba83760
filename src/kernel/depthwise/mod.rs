//! The kernels of depthwise convolution.

mod patch;
mod uniform;

pub use {patch::*, uniform::*};
