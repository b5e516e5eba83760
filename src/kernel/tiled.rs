//! The text of `conv/register_tile.wgsl` for a tile: what is unrolled is written here, because drivers keep arrays that loops
//! index in memory, and the tile's sums belong into registers.

use std::fmt::Write;

use super::text::filled;

/// What an invocation of the tiled convolution computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tile {
    /// Positions along the width.
    pub width: u32,
    /// Output channels, a multiple of four.
    pub channels: u32,
    /// What a step adds.
    pub step: TileStep,
    /// Width of the pooling windows behind it, which divides the tile's; or 1.
    pub pool: u32,
    /// What is stored of a window.
    pub keep: TileKeep,
    /// Pages of the input that it reads, and as many of weights.
    pub pages: u32,
    /// Whether lanes share the weights they fetch, which takes subgroups of eight.
    pub broadcast: bool,
}

/// What a tile stores of each pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TileKeep {
    /// Its only value: there is no pooling.
    Each,
    /// The largest.
    Max,
    /// The mean.
    Mean,
    /// The sum.
    Sum,
}

/// What a tile adds to its sums at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TileStep {
    /// One tap of some input channels, whatever the window.
    Channels(u32),
    /// All taps of a row of the window, of one input channel, for a stride along the width; without dilation.
    Row {
        /// The window's width.
        taps: u32,
        /// The stride along the width.
        stride: u32,
    },
}

impl TileStep {
    /// Taps along the width.
    pub fn taps(self) -> u32 {
        match self {
            TileStep::Channels(_) => 1,
            TileStep::Row { taps, .. } => taps,
        }
    }

    /// Input channels.
    pub fn depth(self) -> u32 {
        match self {
            TileStep::Channels(depth) => depth,
            TileStep::Row { .. } => 1,
        }
    }

    /// The stride along the width, if it is one for certain strides alone.
    fn stride(self) -> Option<u32> {
        match self {
            TileStep::Channels(_) => None,
            TileStep::Row { stride, .. } => Some(stride),
        }
    }
}

impl Tile {
    /// Columns of the input that a step reads.
    pub fn columns(&self) -> u32 {
        match self.step.stride() {
            None => self.width,
            Some(stride) => (self.width - 1) * stride + self.step.taps(),
        }
    }

    /// Positions of the output that it holds.
    pub fn out(&self) -> u32 {
        self.width / self.pool
    }

    fn fours(&self) -> u32 {
        self.channels / 4
    }

    /// Columns and fours of channels of the tile: the names of its sums.
    fn sums(&self) -> impl Iterator<Item = (u32, u32)> {
        let (width, fours) = (self.width, self.fours());
        (0..fours).flat_map(move |q| (0..width).map(move |x| (x, q)))
    }

    /// The same of its pooling windows.
    fn windows(&self) -> impl Iterator<Item = (u32, u32)> {
        let (width, fours) = (self.out(), self.fours());
        (0..fours).flat_map(move |q| (0..width).map(move |x| (x, q)))
    }

    /// The shader's text: `template` with its marked lines replaced, and among them, for each page, `page`.
    pub(super) fn source(&self, template: &str, page: &str) -> String {
        let mut text = String::new();
        for (name, value) in [
            ("TILE_W", self.width),
            ("FOURS", self.fours()),
            ("TAPS", self.step.taps()),
            ("DEPTH", self.step.depth()),
            ("POOL", self.pool),
            ("OUT", self.out()),
        ] {
            let _ = writeln!(text, "const {name}: u32 = {value}u;");
        }
        let page = filled(page, |name| self.of_page(name));
        // Uniform buffers can be neither passed to functions nor numbered at run time.
        let of_all = |text: &str| (0..self.pages).map(|n| text.replace("PAGE", &n.to_string())).collect();
        text + &filled(template, |name| match name {
            "pages" => of_all(&page),
            "bindings" => (0..self.pages).flat_map(Self::bindings).collect(),
            _ => self.unrolled(name),
        })
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
            format!("{take}(&window{}_{q}, finished(t{x}_{q}, {q}u), {inside});", x / self.pool)
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
            TileKeep::Each => format!("store4(finished(go_on(r{q}[i], at, {q}u), {q}u), at, {q}u);"),
            _ => format!("store4(r{q}[i], at, {q}u);"),
        };
        (0..self.fours()).map(line).collect()
    }
}
