//! `conv/parts.wgsl`: the end of a convolution whose sums were divided.

use crate::kernel::common::*;

/// The sum of the parts of a convolution's sums, with bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvParts {
    /// Type of the elements.
    pub dtype: DType,
    /// Applied to the result.
    pub activation: ActivationKind,
    /// Whether the residual is added.
    pub residual: bool,
}

impl Kernel for ConvParts {
    fn row(&self) -> Row {
        let own = [self.activation.wgsl(), EACH, shader!("conv/parts.wgsl")];
        typed(PartsParams::BLOCK, self.dtype, &own, (2, 1))
    }

    fn every() -> Vec<ConvParts> {
        let of = |(dtype, (activation, residual))| ConvParts { dtype, activation, residual };
        pairs(FLOATS, pairs(ActivationKind::ALL, [false, true])).map(of).collect()
    }
}

uniform! {
    /// Parameters of `conv/parts.wgsl`.
    PartsParams {
        /// Elements of the output.
        total: u32,
        parts: u32,
        /// Of the output.
        channel_stride: u32,
        channels: u32,
        has_bias: u32,
        pad_0: u32,
        alpha_beta: [f32; 2],
    }
}
