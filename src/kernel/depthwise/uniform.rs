//! `depthwise/uniform.wgsl`: depthwise convolution of a tensor that is read through pages.

use crate::kernel::common::*;
use crate::kernel::pages::{DEPTHWISE_PAGES, Paged};

/// Depthwise convolution of f32 read through pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DepthwisePages {
    /// Applied to the result.
    pub activation: ActivationKind,
    /// Whether channels lie last.
    pub channels_last: bool,
    /// How it goes through the window.
    pub taps: Taps,
}

impl Kernel for DepthwisePages {
    fn row(&self) -> Row {
        let DepthwisePages { activation, channels_last, taps } = *self;
        let window = match taps {
            Taps::Any => shader!("depthwise/uniform_loops.wgsl"),
            Taps::Few { .. } | Taps::Pairs => shader!("depthwise/uniform_taps.wgsl"),
            Taps::Columns { .. } => shader!("depthwise/uniform_columns.wgsl"),
        };
        let finish = match taps.fours() {
            false => shader!("depthwise/finish_one.wgsl"),
            true => shader!("depthwise/finish_four.wgsl"),
        };
        let own = vec![activation.wgsl(), shader!("depthwise/uniform.wgsl"), finish];
        let of_each = [window, shader!("depthwise/uniform_each.wgsl")];
        let constants = [("CHANNELS_LAST", f64::from(channels_last))];
        Paged { taps, pages: DEPTHWISE_PAGES, own, of_each }.row(&constants)
    }

    fn every() -> Vec<DepthwisePages> {
        let taps = Taps::EACH.into_iter().chain(Taps::COLUMNS);
        let layouts =
            pairs(taps, [false, true]).filter(|(taps, channels_last)| !(*channels_last && taps.fours()));
        let of = |(activation, (taps, channels_last))| DepthwisePages { activation, channels_last, taps };
        pairs(ActivationKind::ALL, layouts).map(of).collect()
    }
}
