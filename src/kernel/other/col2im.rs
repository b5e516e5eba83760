//! `other/col2im.wgsl`.

use crate::kernel::common::*;

/// Windows that are added up to images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Col2Im {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for Col2Im {
    fn row(&self) -> Row {
        typed(Col2ImParams::BLOCK, self.dtype, &[SUM, REACHED, EACH, shader!("other/col2im.wgsl")], (1, 1))
    }

    fn every() -> Vec<Col2Im> {
        FLOATS.map(|dtype| Col2Im { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `other/col2im.wgsl`.
    Col2ImParams {
        /// Depth, height, width, 0.
        image: [u32; 4],
        /// Along depth, height, width, 0.
        windows: [u32; 4],
        /// Taps along depth, height, width, 0.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// As lib/reached.wgsl has them: the common divisor of stride and dilation,.
        gcd: [u32; 4],
        /// The stride divided by it,.
        tap_step: [u32; 4],
        /// And what the dilation divided by it is to be multiplied with to be 1 modulo that.
        inverse: [u32; 4],
        /// Elements of the images.
        total: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}
