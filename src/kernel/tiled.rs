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
    /// Taps along the width that share the elements they read: the window's width, or 1 for any window.
    pub taps: u32,
    /// The stride along the width, where taps share elements; else 1.
    pub stride: u32,
    /// Width and height of the pooling window behind it, which divide the tile's; or 1 and 1.
    pub pool: [u32; 2],
    /// Whether lanes share the weights they fetch, which takes subgroups of eight.
    pub broadcast: bool,
}

impl Tile {
    /// Elements that a row of the tile reads for a row of taps.
    pub fn columns(&self) -> u32 {
        match self.taps {
            1 => self.width,
            taps => (self.width - 1) * self.stride + taps,
        }
    }

    /// The column that position `x` reads for tap `tap`.
    fn column(&self, x: u32, tap: u32) -> u32 {
        if self.taps == 1 { x } else { x * self.stride + tap }
    }

    fn fours(&self) -> u32 {
        self.channels / 4
    }

    /// Rows, columns and fours of channels of the tile, each with the name of its sum.
    fn sums(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        let (width, fours) = (self.width, self.fours());
        (0..self.height).flat_map(move |y| (0..width).flat_map(move |x| (0..fours).map(move |q| (y, x, q))))
    }

    /// The shader's text: `template` with its marked lines replaced.
    pub(super) fn source(&self, template: &str) -> String {
        let mut text = format!(
            "const TILE_W: u32 = {}u;\nconst TILE_H: u32 = {}u;\nconst FOURS: u32 = {}u;\nconst ROW_TAPS: u32 = {}u;\n",
            self.width,
            self.height,
            self.fours(),
            self.taps
        );
        for line in template.lines() {
            match line.trim_start().strip_prefix("//: ") {
                None => {
                    text.push_str(line);
                    text.push('\n');
                }
                Some(name) => self.unrolled(name, &mut text),
            }
        }
        text
    }

    fn unrolled(&self, name: &str, text: &mut String) {
        let mut lines: Vec<String> = Vec::new();
        match name {
            "arguments" if self.broadcast => lines.push("@builtin(subgroup_invocation_id) lane: u32,".into()),
            "sums" => lines.extend(self.sums().map(|(y, x, q)| format!("var t{y}_{x}_{q} = vec4<f32>();"))),
            "rows" => lines.extend((0..self.height).flat_map(|y| self.row(y))),
            "columns" => lines.extend((0..self.columns()).flat_map(|c| self.column_lines(c))),
            "parts" => lines.extend(self.sums().map(|(y, x, q)| format!("var a{y}_{x}_{q} = vec4<f32>();"))),
            "products" => self.products(&mut lines),
            "fold" => lines.extend(self.sums().map(|(y, x, q)| format!("t{y}_{x}_{q} += a{y}_{x}_{q};"))),
            "results" if self.pool == [1, 1] => self.results(&mut lines),
            "results" => self.pooled_results(&mut lines),
            _ => {}
        }
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    }

    fn row(&self, y: u32) -> [String; 3] {
        [
            format!(
                "let y_at{y} = i32((y0 + {y}u) * params.stride.y + h * params.dilation.y) - params.pad_before.y;"
            ),
            format!("let y_mask{y} = mask_of(z_inside && u32(y_at{y}) < params.in_size.y);"),
            format!("let row{y} = slice + u32(y_at{y}) * params.in_stride.y;"),
        ]
    }

    fn column_lines(&self, c: u32) -> [String; 3] {
        let start = match self.taps {
            1 => format!("(x0 + {c}u) * params.stride.z + w * params.dilation.z"),
            _ => format!("x0 * params.stride.z + {c}u"),
        };
        [
            format!("let x_at{c} = i32({start}) - params.pad_before.z;"),
            format!("let x_mask{c} = mask_of(u32(x_at{c}) < params.in_size.z);"),
            format!("let column{c} = u32(x_at{c}) * params.in_stride.z;"),
        ]
    }

    fn products(&self, lines: &mut Vec<String>) {
        for y in 0..self.height {
            for c in 0..self.columns() {
                lines.push(format!(
                    "let x{y}_{c} = load(row{y} + column{c} + channel, y_mask{y} & x_mask{c});"
                ));
            }
        }
        for tap in 0..self.taps {
            lines.push("{".into());
            self.weights(tap, lines);
            for (y, x, q) in self.sums() {
                lines.push(format!("a{y}_{x}_{q} += x{y}_{} * w{q};", self.column(x, tap)));
            }
            lines.push("}".into());
        }
    }

    /// The tap's weights as `w0`, `w1` and so on: fetched by every lane, or each by one of eight lanes.
    fn weights(&self, tap: u32, lines: &mut Vec<String>) {
        let at = format!("weight + {}u", tap * self.fours());
        if !self.broadcast {
            lines.extend((0..self.fours()).map(|q| format!("let w{q} = weights[{at} + {q}u];")));
            return;
        }
        for eight in 0..self.fours().div_ceil(2) {
            lines.push(format!(
                "let fetched{eight} = weights[{at} + {}u + (lane >> 2u)][lane & 3u];",
                eight * 2
            ));
        }
        for q in 0..self.fours() {
            let mut four = format!("let w{q} = vec4<f32>(");
            for j in 0..4 {
                let _ = write!(four, "subgroupBroadcast(fetched{}, {}u), ", q / 2, q % 2 * 4 + j);
            }
            lines.push(four + ");");
        }
    }

    fn results(&self, lines: &mut Vec<String>) {
        for y in 0..self.height {
            for x in 0..self.width {
                lines.push(format!(
                    "let at{y}_{x} = out + (y0 + {y}u) * params.out_stride.y + (x0 + {x}u) * params.out_stride.z;"
                ));
                lines.push(format!(
                    "let inside{y}_{x} = works && y0 + {y}u < params.out_size.y && x0 + {x}u < params.out_size.z;"
                ));
            }
        }
        for (y, x, q) in self.sums() {
            lines.push(format!(
                "store4(finished(go_on(t{y}_{x}_{q}, at{y}_{x}, {q}u), {q}u), at{y}_{x}, {q}u, inside{y}_{x});"
            ));
        }
    }

    fn pooled_results(&self, lines: &mut Vec<String>) {
        let [pool_h, pool_w] = self.pool;
        for py in 0..self.height / pool_h {
            for px in 0..self.width / pool_w {
                lines.push("{".into());
                lines.push(format!("let py = y0 / {pool_h}u + {py}u;"));
                lines.push(format!("let px = x0 / {pool_w}u + {px}u;"));
                lines.push("let at = out + py * params.out_stride.y + px * params.out_stride.z;".into());
                lines.push("let inside = works && py < params.pooled.y && px < params.pooled.x;".into());
                for q in 0..self.fours() {
                    lines.push("{".into());
                    // The smallest key there is, and no NaN.
                    lines.push("var largest = Largest(vec4<i32>(-2147483647 - 1), vec4<u32>());".into());
                    for y in py * pool_h..(py + 1) * pool_h {
                        for x in px * pool_w..(px + 1) * pool_w {
                            lines.push(format!(
                                "take(&largest, finished(t{y}_{x}_{q}, {q}u), y0 + {y}u < params.out_size.y && x0 + {x}u < params.out_size.z);"
                            ));
                        }
                    }
                    lines.push(format!("store4(largest_of(largest), at, {q}u, inside);"));
                    lines.push("}".into());
                }
                lines.push("}".into());
            }
        }
    }
}
