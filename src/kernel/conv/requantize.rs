//! `conv/requantize.wgsl`: the end of an integer convolution.

use crate::kernel::common::*;

/// Sums of an integer convolution as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Requantize {
    /// Type of the output.
    pub dtype: DType,
}

impl Kernel for Requantize {
    fn row(&self) -> Row {
        by_words(RequantizeParams::BLOCK, self.dtype, &[EACH, shader!("conv/requantize.wgsl")], (3, 1))
    }

    fn every() -> Vec<Requantize> {
        BYTES.map(|dtype| Requantize { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `conv/requantize.wgsl`.
    RequantizeParams {
        /// Elements.
        total: u32,
        channels: u32,
        /// Elements of a channel that lie one after another.
        inner: u32,
        /// 1: every channel has a scale of its own.
        scale_each: u32,
        has_bias: u32,
        zero: f32,
        /// The range of the output's type, less the zero point.
        least: f32,
        most: f32,
    }
}
