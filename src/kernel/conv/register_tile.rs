//! `conv/register_tile.wgsl`: what is unrolled is written here, because drivers keep arrays that loops index in memory, and
//! the tile's sums belong into registers.

use super::tile::{Tile, TileKeep};
use crate::kernel::common::*;

/// Invocations of a workgroup of the tiled convolution: one subgroup, so that few tiles occupy all cores.
pub const TILED_WORKGROUP: u32 = 8;

/// Convolution in register tiles, with weights in a uniform page, and maximum pooling behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTiled {
    /// What an invocation computes.
    pub tile: Tile,
    /// Applied to the convolution's result.
    pub activation: ActivationKind,
    /// Whether the sums begin here, and do not go on with what the output holds.
    pub first: bool,
    /// Whether they end here, and bias and activation follow.
    pub last: bool,
    /// Whether the residual is added, where they end.
    pub residual: bool,
}

impl Kernel for ConvTiled {
    fn row(&self) -> Row {
        let four = shader!("lib/four.wgsl");
        let text = vec![INDEX, NUMBER, self.activation.wgsl(), four, KEY, shader!("conv/register_tile.wgsl")];
        let tile = self.tile;
        let mut row = row(TiledParams::BLOCK, DType::F32, text, (0, 1)).written(move |mark| tile.lines(mark));
        row.workgroup = TILED_WORKGROUP;
        row.bindings.pages = 2 * tile.pages;
        row.with("FIRST", self.first).with("LAST", self.last)
    }

    fn every() -> Vec<ConvTiled> {
        let tiles = Tile::all();
        let plain = |tile| {
            let activation = ActivationKind::None;
            ConvTiled { tile, activation, first: true, last: true, residual: false }
        };
        let mut every: Vec<_> = tiles.iter().map(|&tile| plain(tile)).collect();
        if let Some(&kernel) = every.first() {
            let goes_on = ConvTiled { first: false, ..kernel };
            every.extend(ActivationKind::ALL.map(|activation| ConvTiled { activation, ..goes_on }));
            every.extend([ConvTiled { last: false, ..kernel }, ConvTiled { last: false, ..goes_on }]);
            let residual = ConvTiled { residual: true, ..kernel };
            every.extend([
                residual,
                ConvTiled { first: false, activation: ActivationKind::PRelu, ..residual },
            ]);
        }
        every
    }
}

impl Tile {
    fn fours(&self) -> u32 {
        self.channels / 4
    }

    /// Columns and fours of channels of the tile: the names of its sums.
    fn sums(&self) -> impl Iterator<Item = (u32, u32)> {
        pairs(0..self.fours(), 0..self.width).map(|(q, x)| (x, q))
    }

    /// The same of its pooling windows.
    fn windows(&self) -> impl Iterator<Item = (u32, u32)> {
        pairs(0..self.fours(), 0..self.out()).map(|(q, x)| (x, q))
    }

    /// The lines for a mark in the text.
    fn lines(&self, mark: &str) -> Vec<String> {
        match mark {
            "constants" => self.constants(),
            "bindings" => (0..self.pages).flat_map(Self::bindings).collect(),
            "pages" => {
                let page = filled(shader!("conv/register_tile_page.wgsl"), |mark| self.of_page(mark));
                // Uniform buffers can be neither passed to functions nor numbered at run time.
                (0..self.pages).map(|n| page.replace("PAGE", &n.to_string())).collect()
            }
            _ => self.unrolled(mark),
        }
    }

    fn constants(&self) -> Vec<String> {
        let constants = [
            ("TILE_W", self.width),
            ("FOURS", self.fours()),
            ("TAPS", self.step.taps()),
            ("DEPTH", self.step.depth()),
            ("POOL", self.pool),
            ("OUT", self.out()),
        ];
        constants.map(|(name, value)| format!("const {name}: u32 = {value}u;")).to_vec()
    }

    fn bindings(page: u32) -> [String; 2] {
        let binding = |n: u32, name: &str| {
            format!("@group(0) @binding({n}) var<uniform> {name}{page}: array<vec4<f32>, 4096>;")
        };
        [binding(1 + 2 * page, "weights"), binding(2 + 2 * page, "input")]
    }

    fn unrolled(&self, name: &str) -> Vec<String> {
        match name {
            "arguments" if self.broadcast => vec!["@builtin(subgroup_invocation_id) lane: u32,".into()],
            "output" => {
                let binding = 1 + 2 * self.pages;
                vec![format!("@group(0) @binding({binding}) var<storage, read_write> output: array<f32>;")]
            }
            "sums" => self.sums().map(|(x, q)| format!("var t{x}_{q} = vec4<f32>();")).collect(),
            "results" => self.results(),
            "stores" => self.stores(),
            "for each row of the windows" if self.keep == TileKeep::Each => vec!["let row = 0u;".into()],
            _ if self.keep == TileKeep::Each => Vec::new(),
            "windows" => {
                let begin = |(x, q)| format!("var window{x}_{q} = {};", self.empty());
                self.windows().map(begin).collect()
            }
            "for each row of the windows" => {
                vec!["for (var row = 0u; row < params.pool.x; row++) {".into()]
            }
            "take" => self.take(),
            "end" => vec!["}".into()],
            _ => Vec::new(),
        }
    }

    fn of_page(&self, name: &str) -> Vec<String> {
        match name {
            "parts" => self.sums().map(|(x, q)| format!("var a{x}_{q} = vec4<f32>();")).collect(),
            "products" => (0..self.step.depth()).flat_map(|channel| self.products(channel)).collect(),
            "fold" => self.sums().map(|(x, q)| format!("t{x}_{q} += a{x}_{q};")).collect(),
            _ => Vec::new(),
        }
    }

    /// The products of a step's channel. `PAGE` stands for the page's number.
    fn products(&self, channel: u32) -> Vec<String> {
        let mut lines = vec![format!("{{ let base = at + {channel}u * params.tap_step.w;")];
        for c in 0..self.columns() {
            let place = match self.step.stride() {
                None => format!("base + {c}u * params.steps_along.x"),
                Some(_) => format!("base + {c}u"),
            };
            lines.push(format!("let at{c} = {place};"));
            lines.push(format!("let x{c} = inputPAGE[at{c} >> 2u][at{c} & 3u];"));
        }
        lines.extend((0..self.step.taps()).flat_map(|tap| self.weights(channel, tap)));
        // Sum by sum, so that each stays in a register for all of its taps.
        for (x, q) in self.sums() {
            for tap in 0..self.step.taps() {
                let column = x * self.step.stride().unwrap_or(1) + tap;
                lines.push(format!("a{x}_{q} += x{column} * w{tap}_{q};"));
            }
        }
        lines.push("}".into());
        lines
    }

    /// The weights of a step's tap as `w0_0` (tap, four channels) and so on: fetched by every lane, or each by one of
    /// eight lanes.
    fn weights(&self, channel: u32, tap: u32) -> Vec<String> {
        let at = format!("weight + ({channel}u * params.window.w + {tap}u) * FOURS");
        if !self.broadcast {
            let load = |q| format!("let w{tap}_{q} = weightsPAGE[{at} + {q}u];");
            return (0..self.fours()).map(load).collect();
        }
        let mut lines = Vec::new();
        for eight in 0..self.fours().div_ceil(2) {
            let at = format!("{at} + {}u + (lane >> 2u)", eight * 2);
            lines.push(format!("let fetched{tap}_{eight} = weightsPAGE[{at}][lane & 3u];"));
        }
        for q in 0..self.fours() {
            let part = |j| format!("subgroupBroadcast(fetched{tap}_{}, {}u)", q / 2, q % 2 * 4 + j);
            let parts: Vec<String> = (0..4).map(part).collect();
            lines.push(format!("let w{tap}_{q} = vec4<f32>({});", parts.join(", ")));
        }
        lines
    }

    /// A pooling window of which nothing is taken yet.
    fn empty(&self) -> &'static str {
        match self.keep {
            TileKeep::Max => "vec4<u32>()",
            _ => "vec4<f32>()",
        }
    }

    /// Adds a row of results to the pooling windows.
    fn take(&self) -> Vec<String> {
        let take = match self.keep {
            TileKeep::Max => "take_largest",
            _ => "take_sum",
        };
        let line = |(x, q): (u32, u32)| {
            let inside = format!("y0 + row < params.out_size.y && x0 + {x}u < params.out_size.z");
            format!("{take}(&window{}_{q}, finished(t{x}_{q}, 0u, {q}u), {inside});", x / self.pool)
        };
        self.sums().map(line).collect()
    }

    /// What is stored, in arrays that a loop goes through: one for each four channels.
    fn results(&self) -> Vec<String> {
        let array = |q| format!("var r{q}: array<vec4<f32>, {}>;", self.out());
        let mut lines: Vec<String> = (0..self.fours()).map(array).collect();
        lines.extend(self.windows().map(|(x, q)| {
            let value = match self.keep {
                TileKeep::Each => format!("t{x}_{q}"),
                TileKeep::Max => format!("of_key(window{x}_{q})"),
                TileKeep::Mean => format!("window{x}_{q} / counted(y0, x0 + {}u)", x * self.pool),
                TileKeep::Sum => format!("window{x}_{q}"),
            };
            format!("r{q}[{x}] = {value};")
        }));
        lines
    }

    fn stores(&self) -> Vec<String> {
        let line = |q| match self.keep {
            TileKeep::Each => format!("store4(finished(go_on(r{q}[i], at, {q}u), at, {q}u), at, {q}u);"),
            _ => format!("store4(r{q}[i], at, {q}u);"),
        };
        (0..self.fours()).map(line).collect()
    }
}

uniform! {
    /// Parameters of `conv/register_tile.wgsl`.
    TiledParams {
        /// Of the convolution: depth, height, width; output channels of all blocks.
        out_size: [u32; 4],
        /// Depth, height, width; taps in all.
        window: [u32; 4],
        /// Words of a page from tap to tap along depth, height and width; from channel to channel.
        tap_step: [u32; 4],
        /// Words of a page from tile to tile along width, height and depth; from image to image.
        tile_step: [u32; 4],
        /// Of the region along width, height and depth; in all images.
        tiles: [u32; 4],
        /// Of the region: the first position along width, height and depth; its first image.
        first: [u32; 4],
        /// Depth, height, width, channel.
        out_stride: [u32; 4],
        /// Invocations of a block, blocks; from block to block: fours of a page of weights, elements of the output.
        blocks: [u32; 4],
        /// Of each page.
        steps: [u32; 4],
        /// Of each page.
        channels: [u32; 4],
        /// Words of a page from position to position, and from row to row.
        steps_along: [u32; 2],
        /// Width and height of the output.
        bounds: [u32; 2],
        /// Height of pooling windows; where positions end that count in a mean: height, width; what to divide by
        /// instead, or 0.
        pool: [u32; 4],
        /// The first block's first channel.
        out_first: u32,
        /// Elements of an output image.
        out_batch: u32,
        /// Steps whose products are added one after another.
        chain: u32,
        /// Of the output in a tile, which loops that are not unrolled go through.
        positions: u32,
        /// Where a block's biases are behind its first weights, in fours.
        bias_at: u32,
        nan: u32,
        alpha_beta: [f32; 2],
    }
}
