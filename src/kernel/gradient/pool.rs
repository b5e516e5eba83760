//! `gradient/pool.wgsl`: the gradient of pooling.

use crate::kernel::common::*;

/// The gradient of pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolGradient {
    /// What the forward pass computed.
    pub of: Pooled,
    /// Its windows.
    pub windows: WindowsOn,
    /// Type of the elements.
    pub dtype: DType,
    /// Whether channels lie last.
    pub channels_last: bool,
}

/// The gradient of maxima of windows that have no element in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolGradientApart {
    /// Type of the elements.
    pub dtype: DType,
    /// Whether channels lie last.
    pub channels_last: bool,
}

impl Kernel for PoolGradientApart {
    fn row(&self) -> Row {
        let own = [ELEMENT, EACH, shader!("gradient/pool_apart.wgsl")];
        typed(PoolGradientParams::BLOCK, self.dtype, &own, (2, 1)).with("CHANNELS_LAST", self.channels_last)
    }

    fn every() -> Vec<PoolGradientApart> {
        pairs(FLOATS, [false, true])
            .map(|(dtype, channels_last)| PoolGradientApart { dtype, channels_last })
            .collect()
    }
}

/// What was computed of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooled {
    /// The maximum, with its index.
    Max,
    /// The mean, of the taps inside the input, or inside the padded input.
    Average {
        /// Whether padding counts.
        padded: bool,
    },
    /// The Lp norm.
    Lp {
        /// p where it is 1, 2 or 3, else 0.
        whole: u32,
        /// Whether it is PyTorch's.
        torch: bool,
    },
}

/// How the windows lie that have an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowsOn {
    /// They slide.
    Sliding,
    /// They divide the input among them.
    Adaptive,
    /// They start at pseudo-random places.
    Fractional,
}

impl Kernel for PoolGradient {
    fn row(&self) -> Row {
        let windows: &[&str] = match self.windows {
            WindowsOn::Sliding => &[REACHED, TAPS, shader!("gradient/windows_sliding.wgsl")],
            WindowsOn::Adaptive => &[DIVIDED, TAPS, shader!("gradient/windows_adaptive.wgsl")],
            WindowsOn::Fractional => &[shader!("gradient/windows_fractional.wgsl")],
        };
        let (share, reads): (&[&str], u32) = match self.of {
            Pooled::Max => (&[shader!("gradient/pool_max.wgsl")], 2),
            Pooled::Average { .. } => (&[shader!("gradient/pool_average.wgsl")], 1),
            Pooled::Lp { .. } => (&[POOLING, shader!("gradient/pool_lp.wgsl")], 3),
        };
        let own = [&[SUM, ELEMENT], windows, share, &[EACH, shader!("gradient/pool.wgsl")]].concat();
        let row = typed(PoolGradientParams::BLOCK, self.dtype, &own, (reads, 1))
            .with("CHANNELS_LAST", self.channels_last);
        match self.of {
            Pooled::Max => row,
            Pooled::Average { padded } => row.with("PADDED", padded),
            Pooled::Lp { whole, torch } => row.with("WHOLE", whole).with("TORCH", torch),
        }
    }

    fn every() -> Vec<PoolGradient> {
        let averages = [false, true].map(|padded| Pooled::Average { padded });
        let norms = pairs(0..=3, [false, true]).map(|(whole, torch)| Pooled::Lp { whole, torch });
        let maxima = [WindowsOn::Sliding, WindowsOn::Adaptive, WindowsOn::Fractional];
        let ways = (maxima.map(|windows| (Pooled::Max, windows)).into_iter())
            .chain(pairs(averages, [WindowsOn::Sliding, WindowsOn::Adaptive]))
            .chain(norms.map(|of| (of, WindowsOn::Sliding)));
        let of = |((of, windows), (dtype, channels_last))| PoolGradient { of, windows, dtype, channels_last };
        pairs(ways.collect::<Vec<_>>(), pairs(FLOATS, [false, true])).map(of).collect()
    }
}

uniform! {
    /// Parameters of `gradient/pool.wgsl`.
    PoolGradientParams {
        /// Depth, height, width, channels.
        in_size: [u32; 4],
        /// Depth, height, width, 0.
        out_size: [u32; 4],
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// Input length + padding after it.
        padded_end: [i32; 4],
        /// As lib/reached.wgsl has them: the common divisor of stride and dilation,.
        gcd: [u32; 4],
        /// The stride divided by it,.
        tap_step: [u32; 4],
        /// And what the dilation divided by it is to be multiplied with to be 1 modulo that.
        inverse: [u32; 4],
        /// Of the pooled tensor: depth, height, width, channel.
        out_stride: [u32; 4],
        /// What one step in depth, height, width, plane adds to an index.
        index_step: [u32; 4],
        /// Mean distances of windows at pseudo-random places.
        alpha: [f32; 4],
        /// Elements of a pooled image.
        out_batch: u32,
        /// Elements of the input.
        total: u32,
        /// 0: count the taps.
        divisor: u32,
        /// p - 1.
        power: f32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        pad_0: u32,
        pad_1: u32,
        pad_2: u32,
    }
}
