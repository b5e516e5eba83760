//! `pool/sliding.wgsl`: any pooling.

use crate::kernel::common::*;

/// Sliding-window pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    /// What is computed of each window.
    pub reduce: Reduce,
    /// Type of the elements.
    pub dtype: DType,
    /// Whether positions of maxima are stored.
    pub indices: bool,
    /// Whether channels lie last.
    pub channels_last: bool,
    /// Whether the windows divide the input among them.
    pub adaptive: bool,
}

impl Kernel for Pool {
    fn row(&self) -> Row {
        let store = if self.indices { shader!("lib/indices.wgsl") } else { NO_INDICES };
        let own = [SUM, ELEMENT, TAPS, POOLING, DIVIDED, store, EACH, shader!("pool/sliding.wgsl")];
        by_words(PoolParams::BLOCK, self.dtype, &own, (1, 1 + u32::from(self.indices)))
            .with("REDUCE", self.reduce as u32)
            .with("CHANNELS_LAST", self.channels_last)
            .with("ADAPTIVE", self.adaptive)
    }

    fn every() -> Vec<Pool> {
        let flags = pairs([false, true], pairs([false, true], [false, true]));
        let of = |((reduce, dtype), (channels_last, (indices, adaptive)))| {
            let is_norm = matches!(reduce, Reduce::Lp | Reduce::LpTorch);
            let is_refused = indices && reduce != Reduce::Max || adaptive && is_norm;
            (!is_refused).then_some(Pool { reduce, dtype, indices, channels_last, adaptive })
        };
        pairs(Reduce::with_types(), flags).filter_map(of).collect()
    }
}

uniform! {
    /// Parameters of `pool/sliding.wgsl`.
    PoolParams {
        /// Depth, height, width, channels.
        in_size: [u32; 4],
        /// Depth, height, width, batch.
        out_size: [u32; 4],
        /// Depth, height, width, 0.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// Input length + padding after it.
        padded_end: [i32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        /// What one step in depth, height, width, plane adds to an index.
        index_step: [u32; 4],
        /// Elements of an image.
        in_batch: u32,
        /// Output elements.
        total: u32,
        /// 0: count the taps.
        divisor: u32,
        /// Maximum of no element.
        identity: f32,
        p: f32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        /// 1 / p.
        root: f32,
        pad_0: u32,
    }
}
