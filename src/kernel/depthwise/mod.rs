//! The kernels of depthwise convolution.

mod patch;

pub use patch::*;
