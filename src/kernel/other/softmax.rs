//! `other/softmax.wgsl`.

use crate::kernel::common::*;

/// Softmax, a row an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Softmax {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for Softmax {
    fn row(&self) -> Row {
        typed(
            SoftmaxParams::BLOCK,
            self.dtype,
            &[SUM, ROW_BASE, SOFTMAX, shader!("other/softmax.wgsl")],
            (1, 1),
        )
    }

    fn every() -> Vec<Softmax> {
        FLOATS.map(|dtype| Softmax { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `other/softmax.wgsl`.
    SoftmaxParams {
        rows: u32,
        /// Elements of a row.
        length: u32,
        /// Distance between them.
        inner: u32,
        /// Minus infinity.
        lowest: f32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}
