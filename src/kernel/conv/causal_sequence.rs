//! `conv/causal_sequence.wgsl`: what a causal convolution convolves.

use crate::kernel::common::*;

/// The sequences of a causal convolution, and the state that is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CausalSequence {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for CausalSequence {
    fn row(&self) -> Row {
        typed(CausalParams::BLOCK, self.dtype, &[EACH, shader!("conv/causal_sequence.wgsl")], (2, 2))
    }

    fn every() -> Vec<CausalSequence> {
        FLOATS.map(|dtype| CausalSequence { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `conv/causal_sequence.wgsl`.
    CausalParams {
        /// Elements of a state.
        kept: u32,
        /// Elements of an input.
        length: u32,
        /// 0: the state is zeros.
        has_state: u32,
        /// Elements of all sequences.
        total: u32,
    }
}
