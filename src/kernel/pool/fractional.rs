//! `pool/fractional.wgsl`: max pooling of windows that samples place.

use crate::kernel::common::*;

/// Fractional max pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fractional {
    /// Whether positions of maxima are stored.
    pub indices: bool,
    /// Whether channels lie last.
    pub channels_last: bool,
}

impl Kernel for Fractional {
    fn row(&self) -> Row {
        let store = if self.indices { shader!("lib/indices_4.wgsl") } else { NO_INDICES };
        let own = [ELEMENT, store, EACH, shader!("pool/fractional.wgsl")];
        plain(FractionalParams::BLOCK, &own, (2, 1 + u32::from(self.indices)))
            .with("CHANNELS_LAST", self.channels_last)
    }

    fn every() -> Vec<Fractional> {
        let of = |(indices, channels_last)| Fractional { indices, channels_last };
        pairs([false, true], [false, true]).map(of).collect()
    }
}

uniform! {
    /// Parameters of `pool/fractional.wgsl`.
    FractionalParams {
        /// Depth, height, width, channels.
        in_size: [u32; 4],
        /// Depth, height, width, batch.
        out_size: [u32; 4],
        /// Depth, height, width, samples of a plane.
        window: [u32; 4],
        /// Which sample is that of depth, height, width; 0.
        sample: [u32; 4],
        /// Mean distance between windows.
        alpha: [f32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        /// What one step in depth, height, width, plane adds to an index.
        index_step: [u32; 4],
        in_batch: u32,
        total: u32,
        identity: f32,
        pad_0: u32,
    }
}
