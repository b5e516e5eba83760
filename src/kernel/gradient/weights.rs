//! `gradient/weights.wgsl`: the gradient of a kernel.

use crate::kernel::common::*;

/// Parts of the sums of a kernel's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightsGradient {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for WeightsGradient {
    fn row(&self) -> Row {
        let own = [INSIDE, EACH, shader!("gradient/weights.wgsl")];
        typed(WeightsParams::BLOCK, self.dtype, &own, (2, 1))
    }

    fn every() -> Vec<WeightsGradient> {
        FLOATS.map(|dtype| WeightsGradient { dtype }).to_vec()
    }
}

/// The same of two input channels, four output channels and a row of taps an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightsGradientTiles {
    /// Type of the elements.
    pub dtype: DType,
    /// Taps of a row.
    pub taps: u32,
}

impl WeightsGradientTiles {
    /// Taps of a row at most.
    pub const MOST_TAPS: usize = 5;

    /// `text` for every channel `C` and tap `K`, of which `L` is the next.
    fn each(taps: u32, text: &str) -> Vec<String> {
        let of = |(c, k): (u32, u32)| {
            text.replace("{c}", &c.to_string())
                .replace("{k}", &k.to_string())
                .replace("{l}", &(k + 1).to_string())
        };
        pairs(0..2, 0..taps).map(of).collect()
    }
}

impl Kernel for WeightsGradientTiles {
    fn row(&self) -> Row {
        let own = [INSIDE, EACH, shader!("gradient/weights_tiles.wgsl")];
        let taps = self.taps;
        typed(WeightsParams::BLOCK, self.dtype, &own, (2, 1)).written(move |mark| match mark {
            "totals" => Self::each(taps, "var total_{c}_{k} = vec4<f32>();"),
            "blocks" => Self::each(taps, "var block_{c}_{k} = vec4<f32>();"),
            "parts" => Self::each(taps, "var part_{c}_{k} = vec4<f32>();"),
            "first" => Self::each(taps - 1, "var x_{c}_{k} = element(x_at_{c}, start.z + {k});"),
            "next" => (0..2)
                .map(|c| format!("let x_{c}_{last} = element(x_at_{c}, start.z + i32(w) + {last});", last = taps - 1))
                .collect(),
            "products" => Self::each(taps, "part_{c}_{k} += x_{c}_{k} * by;"),
            "shift" => Self::each(taps - 1, "x_{c}_{k} = x_{c}_{l};"),
            "add_parts" => Self::each(taps, "block_{c}_{k} += part_{c}_{k};"),
            "add_blocks" => Self::each(taps, "total_{c}_{k} += block_{c}_{k};"),
            "store" => Self::each(taps, "if ({c}u == 0u || second > channel) { store_weights(to, channels, in_group, {c}u, {k}u, total_{c}_{k}); }"),
            _ => Vec::new(),
        })
    }

    fn every() -> Vec<WeightsGradientTiles> {
        pairs(FLOATS, 1..=Self::MOST_TAPS as u32)
            .map(|(dtype, taps)| WeightsGradientTiles { dtype, taps })
            .collect()
    }
}

uniform! {
    /// Parameters of `gradient/weights.wgsl`.
    WeightsParams {
        /// Depth, height, width, input channels of a group.
        in_size: [u32; 4],
        /// Windows along depth, height, width; output channels of a group.
        out_size: [u32; 4],
        /// Taps along depth, height, width, 0.
        window: [u32; 4],
        stride: [u32; 4],
        dilation: [u32; 4],
        pad_before: [i32; 4],
        /// Depth, height, width, channel.
        in_stride: [u32; 4],
        out_stride: [u32; 4],
        /// Kernel: depth, height, width, input channel.
        tap_stride: [u32; 4],
        /// Kernel: output channel.
        tap_out: u32,
        in_batch: u32,
        out_batch: u32,
        /// Blocks of four output channels in a group.
        blocks: u32,
        groups: u32,
        /// Rows of windows of all images.
        rows: u32,
        /// Those of a part of a sum.
        part_rows: u32,
        /// Of the kernel.
        elements: u32,
        /// Invocations that have work.
        total: u32,
        /// Pairs of input channels in a group.
        channel_pairs: u32,
        pad_1: u32,
        pad_2: u32,
    }
}
