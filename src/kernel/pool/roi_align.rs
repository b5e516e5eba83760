//! `pool/roi_align.wgsl`.

use crate::kernel::common::*;

/// RoiAlign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoiAlign {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for RoiAlign {
    fn row(&self) -> Row {
        let own = [SUM, ROI, ROI_BINS, ROI_SAMPLES, EACH, shader!("pool/roi_align.wgsl")];
        typed(RoiParams::BLOCK, self.dtype, &own, (3, 1))
    }

    fn every() -> Vec<RoiAlign> {
        FLOATS.map(|dtype| RoiAlign { dtype }).to_vec()
    }
}

uniform! {
    /// Parameters of `pool/roi_align.wgsl`, `pool/roi_max.wgsl` and `gradient/roi_align.wgsl`.
    RoiParams {
        height: u32,
        width: u32,
        bins_h: u32,
        bins_w: u32,
        channels: u32,
        /// Output elements.
        total: u32,
        in_batch: u32,
        /// Strides of the images.
        in_channel: u32,
        in_row: u32,
        in_column: u32,
        channels_last: u32,
        /// 0: as many as the region needs.
        sampling_ratio: u32,
        scale: f32,
        half_pixel: u32,
        take_max: u32,
        images: u32,
        /// Of an invocation's loops.
        most_turns: u32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        regions: u32,
        pad_0: u32,
    }
}
