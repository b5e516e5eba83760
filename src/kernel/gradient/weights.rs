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

/// The same of channels that are convolved by themselves: a plane of the window of one output channel an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightsGradientDepthwise {
    /// Type of the elements.
    pub dtype: DType,
    /// Rows and columns of the window.
    pub window: [u32; 2],
    /// Columns from a window to the next.
    pub stride: u32,
}

impl WeightsGradientDepthwise {
    /// The windows that are written out.
    pub const WINDOWS: [[u32; 2]; 4] = [[1, 3], [3, 3], [1, 5], [5, 5]];
    /// The largest stride that is.
    pub const MOST_STRIDE: u32 = 2;

    /// `text` for every row `j` and column `k` of these columns, of which `l` is a window further.
    fn each(self, columns: std::ops::Range<u32>, text: &str) -> Vec<String> {
        let of = |(j, k): (u32, u32)| {
            text.replace("{j}", &j.to_string())
                .replace("{k}", &k.to_string())
                .replace("{l}", &(k + self.stride).to_string())
        };
        pairs(0..self.window[0], columns).map(of).collect()
    }
}

impl Kernel for WeightsGradientDepthwise {
    fn row(&self) -> Row {
        let own = [INSIDE, EACH, shader!("gradient/weights_depthwise.wgsl")];
        let this = *self;
        let ([_, columns], stride) = (this.window, this.stride);
        let old = columns.saturating_sub(stride);
        typed(WeightsParams::BLOCK, self.dtype, &own, (2, 1)).written(move |mark| match mark {
            "totals" => this.each(0..columns, "var total_{j}_{k} = 0.0;"),
            "blocks" => this.each(0..columns, "var block_{j}_{k} = 0.0;"),
            "parts" => this.each(0..columns, "var part_{j}_{k} = 0.0;"),
            "rows" => this.each(0..1, "let row_{j} = row_of(plane_at, top + {j} * i32(params.dilation.y));"),
            "first" => [
                this.each(0..old, "var x_{j}_{k} = element(row_{j}, start.z + {k});"),
                this.each(old..columns, "var x_{j}_{k} = 0.0;"),
            ]
            .concat(),
            "next" => {
                let next =
                    format!("x_{{j}}_{{k}} = element(row_{{j}}, start.z + i32(w * {stride}u) + {{k}});");
                this.each(old..columns, &next)
            }
            "products" => this.each(0..columns, "part_{j}_{k} += x_{j}_{k} * g;"),
            "shift" => this.each(0..old, "x_{j}_{k} = x_{j}_{l};"),
            "add_parts" => this.each(0..columns, "block_{j}_{k} += part_{j}_{k};"),
            "add_blocks" => this.each(0..columns, "total_{j}_{k} += block_{j}_{k};"),
            "store" => this.each(
                0..columns,
                "sums[to + {j}u * params.tap_stride.y + {k}u * params.tap_stride.z] = total_{j}_{k};",
            ),
            _ => Vec::new(),
        })
    }

    fn every() -> Vec<WeightsGradientDepthwise> {
        pairs(FLOATS, pairs(Self::WINDOWS, 1..=Self::MOST_STRIDE))
            .map(|(dtype, (window, stride))| WeightsGradientDepthwise { dtype, window, stride })
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
