//! Kernels whose invocations compute output tiles (patches): what windows share is loaded once, in lines that are unrolled here,
//! because drivers keep arrays that loops index in memory.

use std::fmt::Write;

use super::block::uniform;
use super::reduce::Reduce;
use super::row::{Row, pairs, typed};
use super::text::{INSIDE, KEY, shader};
use crate::dtype::DType;

/// The outputs that an invocation computes, and the windows that they are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Patch {
    /// Type of the elements.
    pub dtype: DType,
    /// Taps along the height and the width.
    pub taps: [u32; 2],
    /// Distance between rows of windows that share rows of the input; 0 where they share none, at any distance and dilation.
    pub shared: u32,
    /// Rows of outputs.
    pub tall: u32,
    /// What of a row.
    pub across: Across,
}

/// What an invocation computes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Across {
    /// One column of a plane.
    Column,
    /// Four columns of a plane, whose rows are whole vectors of four elements.
    Columns {
        /// Distance between the windows.
        stride: u32,
        /// Which element of a vector the first window begins with.
        phase: u32,
    },
    /// One column of a channel, where channels lie last.
    Channel,
    /// One column of four channels, where channels lie last.
    Channels,
}

impl Across {
    /// Whether tensors are bound as vectors of four elements.
    pub fn fours(self) -> bool {
        matches!(self, Across::Columns { .. } | Across::Channels)
    }

    /// Whether channels lie last.
    pub fn channels_last(self) -> bool {
        matches!(self, Across::Channel | Across::Channels)
    }

    /// Columns of outputs.
    pub fn wide(self) -> u32 {
        if let Across::Columns { .. } = self { 4 } else { 1 }
    }
}

/// A row of the input, and the outputs and taps that it belongs to.
struct InputRow {
    y: String,
    uses: Vec<(u32, u32)>,
}

impl Patch {
    /// A kernel whose invocations compute such patches.
    pub(super) fn row(&self, own: &[&'static str], buffers: (u32, u32)) -> Row {
        let width = if self.across.fours() { shader!("lib/four.wgsl") } else { shader!("lib/one.wgsl") };
        let shared = [width, INSIDE, shader!("lib/patch.wgsl")];
        let patch = *self;
        typed(PatchParams::BLOCK, self.dtype, &[&shared, own].concat(), buffers)
            .written(move |mark| patch.lines(mark))
    }

    /// Tile heights, from the largest on.
    pub(crate) fn heights(across: Across) -> &'static [u32] {
        if across.wide() > 1 { &[2, 1] } else { &[4, 2, 1] }
    }

    fn constants(&self) -> String {
        let elements = if self.across.fours() { "vec4<Word>" } else { "Word" };
        let columns = match self.across {
            Across::Columns { stride, .. } => format!("x + {stride} * Ints(0, 1, 2, 3)"),
            _ => "Ints(x)".to_owned(),
        };
        let mut text = format!("alias Elements = {elements};\n");
        let _ = writeln!(text, "fn columns_from(x: i32) -> Ints {{\nreturn {columns};\n}}");
        let element = match self.across {
            Across::Columns { .. } => {
                let lane =
                    |lane: &str| format!("f32(input[row + u32(column.{lane} >> 2u)][column.{lane} & 3])");
                format!("vec4<f32>({})", ["x", "y", "z", "w"].map(lane).join(", "))
            }
            Across::Channels => "Floats(input[row + u32(column.x) * params.inner])".to_owned(),
            _ => "Floats(input[row + u32(column) * params.inner])".to_owned(),
        };
        let _ = writeln!(text, "fn element(row: u32, column: Ints) -> Floats {{\nreturn {element};\n}}");
        let _ = writeln!(text, "const CHANNELS_LAST: bool = {};", self.across.channels_last());
        let [rows, columns] = self.taps;
        for (name, value) in
            [("ROWS", rows), ("COLUMNS", columns), ("TALL", self.tall), ("WIDE", self.across.wide())]
        {
            let _ = writeln!(text, "const {name}: i32 = {value};");
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// The lines for a mark in the text.
    fn lines(&self, mark: &str) -> Vec<String> {
        let outputs = 0..self.tall;
        match mark {
            "constants" => vec![self.constants()],
            "places" => self.loads().flat_map(|l| self.place(l)).collect(),
            "windows" => outputs.map(|o| format!("var window_{o} = NOTHING;")).collect(),
            "pooled rows" => self.rows().iter().flat_map(|row| self.pooled(row)).collect(),
            "pooled stores" => {
                let value = |o| format!("finished_of(window_{o}, base, y + {o} * params.stride.x, columns)");
                outputs.flat_map(|o| Self::store(o, &value(o))).collect()
            }
            "insides" => (0..self.taps[1])
                .map(|t| format!("let inside_{t} = are_inside(columns + Ints({t} * params.dilation.y), params.in_size.y);"))
                .collect(),
            "weights" => self.weights(),
            "sums" => outputs.map(|o| format!("var sum_{o} = Floats(0.0);")).collect(),
            "summed rows" => self.rows().iter().flat_map(|row| self.summed(row)).collect(),
            "summed stores" => {
                outputs.flat_map(|o| Self::store(o, &format!("finished(sum_{o}, i32(channel))"))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The rows of the input: each once.
    fn rows(&self) -> Vec<InputRow> {
        let [taps, _] = self.taps;
        let outputs = || 0..self.tall;
        if self.shared == 0 {
            let row = |o, t| InputRow {
                y: format!("y + {o} * params.stride.x + {t} * params.dilation.x"),
                uses: vec![(o, t)],
            };
            return pairs(outputs(), 0..taps).map(|(o, t)| row(o, t)).collect();
        }
        (0..(self.tall - 1) * self.shared + taps)
            .map(|n| {
                let tap = |o: u32| n.checked_sub(o * self.shared).filter(|&t| t < taps);
                let uses = outputs().filter_map(|o| tap(o).map(|t| (o, t))).collect();
                InputRow { y: format!("y + {n}"), uses }
            })
            .collect()
    }

    /// What is loaded of a row: single elements, or vectors, by their numbers.
    fn loads(&self) -> impl Iterator<Item = u32> + use<> {
        let mut loads: Vec<u32> = (0..self.taps[1]).flat_map(|t| self.elements(t)).map(|e| e.0).collect();
        loads.sort_unstable();
        loads.dedup();
        loads.into_iter()
    }

    /// Where tap `t` of each column is: the load and the lane of it.
    fn elements(&self, t: u32) -> Vec<(u32, u32)> {
        match self.across {
            Across::Columns { stride, phase } => {
                (0..4).map(|column| phase + column * stride + t).map(|at| (at / 4, at % 4)).collect()
            }
            _ => vec![(t, 0)],
        }
    }

    /// Tap `t` of all columns, made from what was loaded.
    fn tap(&self, t: u32, kind: &str) -> String {
        let elements = self.elements(t);
        let first = elements[0].0;
        if elements.len() == 1 || elements.iter().enumerate().all(|(i, &e)| e == (first, i as u32)) {
            return format!("x_{first}");
        }
        let lane = |lane: u32| ["x", "y", "z", "w"][lane as usize % 4];
        let parts: Vec<String> = elements.iter().map(|&(load, l)| format!("x_{load}.{}", lane(l))).collect();
        format!("{kind}({})", parts.join(", "))
    }

    fn place(&self, load: u32) -> [String; 3] {
        let (at, length, step) = match self.across {
            Across::Columns { phase, .. } => {
                (format!("((x - {phase}) >> 2u) + {load}"), "(params.in_size.y >> 2u)", "")
            }
            _ => (format!("x + {load} * params.dilation.y"), "params.in_size.y", " * params.inner"),
        };
        [
            format!("let column_{load} = {at};"),
            format!("let there_{load} = is_inside(column_{load}, {length});"),
            format!("let at_{load} = base + clamped(column_{load}, {length}){step};"),
        ]
    }

    fn row_begins(row: &InputRow) -> [String; 3] {
        [
            "{".to_owned(),
            format!("let row = clamped({}, params.in_size.x) * params.in_row;", row.y),
            format!("let there = is_inside({}, params.in_size.x);", row.y),
        ]
    }

    fn pooled(&self, row: &InputRow) -> Vec<String> {
        let mut lines = Self::row_begins(row).to_vec();
        lines.extend(self.loads().map(|l| format!("let x_{l} = load(row + at_{l}, there_{l});")));
        let all = (1..self.taps[1])
            .fold(self.tap(0, "Values"), |all, t| format!("join({all}, {})", self.tap(t, "Values")));
        lines.push(format!("let of_row = select(NOTHING, {all}, there);"));
        lines.extend(row.uses.iter().map(|(o, _)| format!("window_{o} = join(window_{o}, of_row);")));
        lines.push("}".to_owned());
        lines
    }

    fn weights(&self) -> Vec<String> {
        let [rows, columns] = self.taps;
        let weight = |(r, t)| {
            let at = format!("first_weight + {r}u * params.tap_stride.x + {t}u * params.tap_stride.y");
            format!("let weight_{r}_{t} = weight({at});")
        };
        pairs(0..rows, 0..columns).map(weight).collect()
    }

    fn summed(&self, row: &InputRow) -> Vec<String> {
        let mut lines = Self::row_begins(row).to_vec();
        lines.extend(self.loads().map(|l| format!("let x_{l} = load(row + at_{l});")));
        for (o, r) in &row.uses {
            let product = |t| {
                let x = self.tap(t, "Floats");
                format!("select(Floats(0.0), {x} * weight_{r}_{t}, inside_{t})")
            };
            let products: Vec<String> = (0..self.taps[1]).map(product).collect();
            lines.push(format!("sum_{o} += select(Floats(0.0), {}, there);", products.join(" + ")));
        }
        lines.push("}".to_owned());
        lines
    }

    fn store(o: u32, value: &str) -> [String; 3] {
        [
            format!("if (place.row + {o} < params.out_size.x) {{"),
            format!("output[output_at(place, {o})] = Elements({value});"),
            "}".to_owned(),
        ]
    }

    /// Patches of every kind, for tests to compile: many more windows and strides are possible.
    pub(super) fn kinds() -> Vec<Patch> {
        let patch = |taps, shared, tall, across| Patch { dtype: DType::F32, taps, shared, tall, across };
        let tall = |(across, shared)| {
            Patch::heights(across).iter().map(move |&tall| patch([3, 3], shared, tall, across))
        };
        let mut kinds: Vec<Patch> =
            pairs([Across::Column, Across::Channel, Across::Channels], 0..3).flat_map(tall).collect();
        for (stride, phase) in pairs(1..=4, 0..4) {
            let across = Across::Columns { stride, phase };
            kinds.extend([patch([2, 2], 0, 2, across), patch([3, 3], 1, 2, across)]);
        }
        let across = [Across::Column, Across::Columns { stride: 1, phase: 3 }];
        let large = pairs([[1, 1], [1, 16], [16, 1], [7, 7], [5, 2]], across);
        kinds.extend(large.map(|(taps, across)| patch(taps, u32::from(taps[0] > 1), 2, across)));
        let shared: Vec<Patch> = kinds.iter().filter(|k| k.shared == 1).copied().collect();
        let halves = pairs([DType::F16, DType::BF16], shared).map(|(dtype, k)| Patch { dtype, ..k });
        kinds.extend(halves);
        kinds
    }
}

/// What becomes of a patch's windows.
pub(super) fn of_windows(reduce: Reduce) -> &'static [&'static str] {
    match reduce {
        Reduce::Max => &[KEY, shader!("lib/patch_max.wgsl")],
        _ => &[shader!("lib/patch_mean.wgsl")],
    }
}

uniform! {
    /// Parameters of `pool/patch.wgsl` and `depthwise/patch.wgsl`.
    PatchParams {
        /// Height, width.
        in_size: [i32; 2],
        out_size: [i32; 2],
        stride: [i32; 2],
        pad_before: [i32; 2],
        dilation: [i32; 2],
        /// Input length + padding after it.
        padded_end: [i32; 2],
        /// Of a plane: along height, width.
        patches: [u32; 2],
        /// Elements of a position: the channels, where they lie last.
        inner: u32,
        /// Elements of a row.
        in_row: u32,
        in_plane: u32,
        out_row: u32,
        out_plane: u32,
        /// Patches of all planes.
        total: u32,
        /// Kernel of a convolution: height, width.
        tap_stride: [u32; 2],
        /// Kernel: channel.
        tap_out: u32,
        /// Planes of an output image.
        channels: u32,
        /// Output channels of an input channel.
        multiplier: u32,
        has_bias: u32,
        alpha_beta: [f32; 2],
        /// 0: count the taps.
        divisor: u32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        pad_0: u32,
        pad_1: u32,
    }
}
