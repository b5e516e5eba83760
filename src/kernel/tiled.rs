//! The text of `conv_tiled.wgsl` for a tile: what is unrolled is written here, because drivers keep arrays that loops
//! index in memory, and the tile's sums belong into registers.

use std::fmt::Write;

/// What an invocation of the tiled convolution computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tile {
    /// Positions along the width.
    pub width: u32,
    /// Positions along the height.
    pub height: u32,
    /// Output channels, a multiple of four.
    pub channels: u32,
    /// What a step adds.
    pub step: TileStep,
    /// Height and width of the pooling window behind it, which divide the tile's; or 1 and 1.
    pub pool: [u32; 2],
    /// Whether lanes share the weights they fetch, which takes subgroups of eight.
    pub broadcast: bool,
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
    /// All taps of a window of three by three, of one input channel. Tiles of several rows need the stride 1 along
    /// the height, and no dilation there.
    Square {
        /// The stride along the width.
        stride: u32,
    },
}

impl TileStep {
    /// Rows and columns of taps.
    pub fn taps(self) -> [u32; 2] {
        match self {
            TileStep::Channels(_) => [1, 1],
            TileStep::Row { taps, .. } => [1, taps],
            TileStep::Square { .. } => [3, 3],
        }
    }

    /// Input channels.
    pub fn depth(self) -> u32 {
        match self {
            TileStep::Channels(depth) => depth,
            TileStep::Row { .. } | TileStep::Square { .. } => 1,
        }
    }

    /// The stride along the width, if it is one for certain strides alone.
    fn stride(self) -> Option<u32> {
        match self {
            TileStep::Channels(_) => None,
            TileStep::Row { stride, .. } | TileStep::Square { stride } => Some(stride),
        }
    }
}

impl Tile {
    /// Columns of the input that a step reads.
    pub fn columns(&self) -> u32 {
        match self.step.stride() {
            None => self.width,
            Some(stride) => (self.width - 1) * stride + self.step.taps()[1],
        }
    }

    /// Rows of the input that a step reads.
    pub fn rows(&self) -> u32 {
        self.height - 1 + self.step.taps()[0]
    }

    /// Positions of the output that it holds: height and width.
    pub fn out(&self) -> [u32; 2] {
        [self.height / self.pool[0], self.width / self.pool[1]]
    }

    fn fours(&self) -> u32 {
        self.channels / 4
    }

    /// Rows, columns and fours of channels of the tile: the names of its sums.
    fn sums(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        let (height, width, fours) = (self.height, self.width, self.fours());
        (0..fours).flat_map(move |q| (0..height).flat_map(move |y| (0..width).map(move |x| (y, x, q))))
    }

    /// The shader's text: `template` with its marked lines replaced.
    pub(super) fn source(&self, template: &str) -> String {
        let [tap_rows, tap_columns] = self.step.taps();
        let mut text = String::new();
        for (name, value) in [
            ("TILE_W", self.width),
            ("TILE_H", self.height),
            ("FOURS", self.fours()),
            ("TAP_ROWS", tap_rows),
            ("TAP_COLUMNS", tap_columns),
            ("DEPTH", self.step.depth()),
            ("POOL_H", self.pool[0]),
            ("POOL_W", self.pool[1]),
            ("OUT_W", self.out()[1]),
        ] {
            let _ = writeln!(text, "const {name}: u32 = {value}u;");
        }
        for line in template.lines() {
            match line.trim_start().strip_prefix("//: ") {
                None => text.push_str(line),
                Some(name) => text.push_str(&self.unrolled(name).join("\n")),
            }
            text.push('\n');
        }
        text
    }

    fn unrolled(&self, name: &str) -> Vec<String> {
        let moving = self.step.stride().is_none();
        let columns = || (0..self.columns()).flat_map(|c| self.column(c)).collect();
        match name {
            "arguments" if self.broadcast => vec!["@builtin(subgroup_invocation_id) lane: u32,".into()],
            "fixed columns" if !moving => columns(),
            "moving columns" if moving => columns(),
            "sums" => self.sums().map(|(y, x, q)| format!("var t{y}_{x}_{q} = vec4<f32>();")).collect(),
            "rows" => (0..self.rows()).flat_map(Self::row).collect(),
            "parts" => self.sums().map(|(y, x, q)| format!("var a{y}_{x}_{q} = vec4<f32>();")).collect(),
            "products" => self.products(),
            "fold" => self.sums().map(|(y, x, q)| format!("t{y}_{x}_{q} += a{y}_{x}_{q};")).collect(),
            "results" if self.pool == [1, 1] => self.results(),
            "results" => self.pooled(),
            "stores" => self.stores(),
            _ => Vec::new(),
        }
    }

    fn row(y: u32) -> [String; 3] {
        [
            format!(
                "let y_at{y} = i32(y0 * params.stride.y + (tap.y + {y}u) * params.dilation.y) - params.pad_before.y;"
            ),
            format!("let y_mask{y} = mask_of(z_inside && u32(y_at{y}) < params.in_size.y);"),
            format!("let row{y} = slice + u32(y_at{y}) * params.in_stride.y;"),
        ]
    }

    fn column(&self, c: u32) -> [String; 3] {
        let start = match self.step.stride() {
            None => format!("(x0 + {c}u) * params.stride.z + tap.z * params.dilation.z"),
            Some(_) => format!("x0 * params.stride.z + {c}u"),
        };
        [
            format!("let x_at{c} = i32({start}) - params.pad_before.z;"),
            format!("let x_mask{c} = mask_of(u32(x_at{c}) < params.in_size.z);"),
            format!("let column{c} = u32(x_at{c}) * params.in_stride.z;"),
        ]
    }

    fn products(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let [tap_rows, tap_columns] = self.step.taps();
        for u in 0..self.step.depth() {
            lines.push("{".into());
            lines.push(match u {
                0 => "let there = 0xffffffffu;".into(),
                _ => format!("let there = mask_of(channel + {u}u < params.in_size.w);"),
            });
            for y in 0..self.rows() {
                for c in 0..self.columns() {
                    let at = format!("row{y} + column{c} + {u}u * params.in_stride.w");
                    lines.push(format!("let x{y}_{c} = load({at}, y_mask{y} & x_mask{c} & there);"));
                }
            }
            self.weights(u, &mut lines);
            // Sum by sum, so that each stays in a register for all of its taps.
            for (y, x, q) in self.sums() {
                for h in 0..tap_rows {
                    for w in 0..tap_columns {
                        let column = x * self.step.stride().unwrap_or(1) + w;
                        let tap = h * tap_columns + w;
                        lines.push(format!("a{y}_{x}_{q} += x{}_{column} * w{tap}_{q};", y + h));
                    }
                }
            }
            lines.push("}".into());
        }
        lines
    }

    /// The weights of a step's channel as `w0_0` (tap, four channels) and so on: fetched by every lane, or each by one
    /// of eight lanes.
    fn weights(&self, channel: u32, lines: &mut Vec<String>) {
        for tap in 0..self.step.taps().iter().product() {
            let at = format!("weight + ({channel}u * taps + {tap}u) * FOURS");
            if !self.broadcast {
                lines.extend((0..self.fours()).map(|q| format!("let w{tap}_{q} = weights[{at} + {q}u];")));
                continue;
            }
            for eight in 0..self.fours().div_ceil(2) {
                let at = format!("{at} + {}u + (lane >> 2u)", eight * 2);
                lines.push(format!("let fetched{tap}_{eight} = weights[{at}][lane & 3u];"));
            }
            for q in 0..self.fours() {
                let part = |j| format!("subgroupBroadcast(fetched{tap}_{}, {}u)", q / 2, q % 2 * 4 + j);
                let parts: Vec<String> = (0..4).map(part).collect();
                lines.push(format!("let w{tap}_{q} = vec4<f32>({});", parts.join(", ")));
            }
        }
    }

    /// The sums in arrays, one for each four channels, that a loop goes through.
    fn results(&self) -> Vec<String> {
        let mut lines: Vec<String> = (0..self.fours()).map(|q| self.array(q)).collect();
        lines.extend(self.sums().map(|(y, x, q)| format!("r{q}[{}] = t{y}_{x}_{q};", y * self.width + x)));
        lines
    }

    fn array(&self, q: u32) -> String {
        let [height, width] = self.out();
        format!("var r{q}: array<vec4<f32>, {}>;", height * width)
    }

    /// The same of the windows' maxima.
    fn pooled(&self) -> Vec<String> {
        let mut lines: Vec<String> = (0..self.fours()).map(|q| self.array(q)).collect();
        let ([pool_h, pool_w], [height, width]) = (self.pool, self.out());
        for py in 0..height {
            for px in 0..width {
                for q in 0..self.fours() {
                    lines.push("{".into());
                    // The smallest key there is, and no NaN.
                    lines.push("var largest = Largest(vec4<i32>(-2147483647 - 1), vec4<u32>());".into());
                    for y in py * pool_h..(py + 1) * pool_h {
                        for x in px * pool_w..(px + 1) * pool_w {
                            let inside =
                                format!("y0 + {y}u < params.out_size.y && x0 + {x}u < params.out_size.z");
                            let value = format!("finished(t{y}_{x}_{q}, {q}u)");
                            lines.push(format!("take(&largest, {value}, {inside});"));
                        }
                    }
                    lines.push(format!("r{q}[{}] = largest_of(largest);", py * width + px));
                    lines.push("}".into());
                }
            }
        }
        lines
    }

    fn stores(&self) -> Vec<String> {
        (0..self.fours())
            .map(|q| match self.pool {
                [1, 1] => format!("store4(finished(go_on(r{q}[i], at, {q}u), {q}u), at, {q}u);"),
                _ => format!("store4(r{q}[i], at, {q}u);"),
            })
            .collect()
    }
}
