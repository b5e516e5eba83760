//! `conv/few_channels.wgsl`: the convolution of few channels, whose taps are written out.

use std::collections::BTreeSet;

use crate::kernel::common::*;
use crate::kernel::patch::of_windows;

/// Convolution of few channels, on hardware: what an invocation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvPatch {
    /// Type of the elements; sums are kept in f32.
    pub dtype: DType,
    /// Applied to the sums.
    pub activation: ActivationKind,
    /// How the positions are pooled, if they are.
    pub pool: Option<Reduce>,
    /// Taps along the height and the width.
    pub taps: [u32; 2],
    /// Distance between the windows along them; 0 where there is one position.
    pub stride: [u32; 2],
    /// Positions along them: rows of one column, or a pooling window.
    pub positions: [u32; 2],
    /// Output channels, in fours.
    pub fours: u32,
}

impl Kernel for ConvPatch {
    fn row(&self) -> Row {
        let shared = [shader!("lib/four.wgsl"), INSIDE, self.activation.wgsl()];
        let pooling = self.pool.map_or(&[][..], of_windows);
        let own = [&shared, pooling, &[EACH, shader!("conv/few_channels.wgsl")]].concat();
        let patch = *self;
        let row =
            typed(ConvPatchParams::BLOCK, self.dtype, &own, (3, 1)).written(move |mark| patch.lines(mark));
        match self.pool {
            Some(reduce) => row.with("REDUCE", reduce as u32),
            None => row,
        }
    }

    fn every() -> Vec<ConvPatch> {
        let shapes = [
            (None, [4, 1], [1, 0]),
            (None, [2, 1], [2, 0]),
            (None, [1, 1], [0, 0]),
            (Some(Reduce::Max), [2, 2], [1, 1]),
            (Some(Reduce::Average), [2, 2], [2, 2]),
            (Some(Reduce::AveragePadded), [1, 3], [0, 1]),
        ];
        let windows = [([1, 1], 1), ([3, 3], 3), ([5, 5], 1)];
        let (activation, mut every) = (ActivationKind::Relu, Vec::new());
        for (dtype, ((pool, positions, stride), (taps, fours))) in pairs(FLOATS, pairs(shapes, windows)) {
            every.push(ConvPatch { dtype, activation, pool, taps, stride, positions, fours });
        }
        every
    }
}

impl ConvPatch {
    /// The lines for a mark in the text.
    fn lines(&self, mark: &str) -> Vec<String> {
        match mark {
            "constants" => self.constants(),
            "rows" => self.places(0, "row", "x"),
            "columns" => self.places(1, "column", "y"),
            "sums" => self.sums().map(|s| format!("var sum_{s} = Floats(0.0);")).collect(),
            "parts" => self.sums().map(|s| format!("var part_{s} = Floats(0.0);")).collect(),
            "loads" => self.loads(),
            "products" => self.products(),
            "additions" => self.sums().map(|s| format!("sum_{s} += part_{s};")).collect(),
            "results" if self.pool.is_some() => self.pooled(),
            "results" => self.each_position().flat_map(|p| self.result(p)).collect(),
            _ => Vec::new(),
        }
    }

    fn constants(&self) -> Vec<String> {
        let ([rows, columns], [tall, wide]) = (self.taps, self.positions);
        let unsigned = [("FOURS", self.fours), ("TAPS", rows * columns)];
        let mut lines = unsigned.map(|(name, value)| format!("const {name}: u32 = {value}u;")).to_vec();
        let sides = [("ROWS_OF_TAPS", rows), ("COLUMNS_OF_TAPS", columns), ("ROWS", tall), ("COLUMNS", wide)];
        lines.extend(sides.map(|(name, value)| format!("const {name}: i32 = {value};")));
        lines
    }

    /// Places of the rows or columns that the windows read.
    fn places(&self, axis: usize, name: &str, member: &str) -> Vec<String> {
        let place = |n| {
            let at = format!("at.{member} + {n}, params.image_size.{member}");
            [
                format!("let {name}_{n} = clamped({at}) * params.in_stride.{member};"),
                format!("let in_{name}_{n} = is_inside({at});"),
            ]
        };
        self.needed(axis).into_iter().flat_map(place).collect()
    }

    /// Rows or columns of the input that the windows read.
    fn needed(&self, axis: usize) -> Vec<u32> {
        let taps = pairs(0..self.positions[axis], 0..self.taps[axis]);
        let needed: BTreeSet<u32> = taps.map(|(position, tap)| position * self.stride[axis] + tap).collect();
        needed.into_iter().collect()
    }

    fn each_position(&self) -> impl Iterator<Item = (u32, u32)> + Clone + use<> {
        pairs(0..self.positions[0], 0..self.positions[1])
    }

    /// The names of the sums: row, column and four channels.
    fn sums(&self) -> impl Iterator<Item = String> {
        pairs(self.each_position(), 0..self.fours).map(|((y, x), q)| format!("{y}_{x}_{q}"))
    }

    fn loads(&self) -> Vec<String> {
        let load = |(y, x)| {
            format!("let x_{y}_{x} = load(plane + row_{y} + column_{x}, in_row_{y} && in_column_{x});")
        };
        pairs(self.needed(0), self.needed(1)).map(load).collect()
    }

    fn products(&self) -> Vec<String> {
        let [rows, columns] = self.taps;
        let mut lines = Vec::new();
        for (r, t) in pairs(0..rows, 0..columns) {
            lines.push("{".to_owned());
            for q in 0..self.fours {
                let at = (r * columns + t) * self.fours + q;
                lines.push(format!("let w_{q} = weights(weight + {at}u);"));
            }
            for (y, x) in self.each_position() {
                let element = format!("x_{}_{}", y * self.stride[0] + r, x * self.stride[1] + t);
                lines.extend((0..self.fours).map(|q| format!("part_{y}_{x}_{q} += {element} * w_{q};")));
            }
            lines.push("}".to_owned());
        }
        lines
    }

    fn result(&self, (y, x): (u32, u32)) -> Vec<String> {
        let mut lines = vec![
            format!("if (position.x + {y} < params.in_size.x && position.y + {x} < params.in_size.y) {{"),
            format!("let place = vec2<u32>(position + vec2<i32>({y}, {x})) * params.out_stride;"),
        ];
        lines.extend(
            (0..self.fours)
                .map(|q| format!("store(to + place.x + place.y, activated(sum_{y}_{x}_{q}, {q}u), {q}u);")),
        );
        lines.push("}".to_owned());
        lines
    }

    fn pooled(&self) -> Vec<String> {
        let mut lines: Vec<String> = (0..self.fours).map(|q| format!("var window_{q} = NOTHING;")).collect();
        for (y, x) in self.each_position() {
            let inside = |n, member| format!("is_inside(position.{member} + {n}, params.in_size.{member})");
            lines.push("{".to_owned());
            lines.push(format!("let there = {} && {};", inside(y, "x"), inside(x, "y")));
            lines.extend((0..self.fours).map(|q| {
                let value = format!("value_of(activated(sum_{y}_{x}_{q}, {q}u))");
                format!("window_{q} = join(window_{q}, select(NOTHING, {value}, there));")
            }));
            lines.push("}".to_owned());
        }
        lines.push("let place = vec2<u32>(strip, column) * params.out_stride;".to_owned());
        lines.extend((0..self.fours).map(|q| {
            let value = format!("finished(window_{q}, position.x, Ints(position.y))");
            format!("store(to + place.x + place.y, {value}, {q}u);")
        }));
        lines
    }
}

uniform! {
    /// Parameters of `conv/few_channels.wgsl`.
    ConvPatchParams {
        /// Of the convolution's input: height, width.
        image_size: [i32; 2],
        stride: [i32; 2],
        pad_before: [i32; 2],
        /// Of what is pooled or stored: the convolution's output.
        in_size: [i32; 2],
        /// Positions from patch to patch.
        step: [i32; 2],
        /// Positions of padding.
        before: [i32; 2],
        /// Length + padding after it.
        padded_end: [i32; 2],
        /// Of an image: along height, width.
        patches: [u32; 2],
        in_stride: [u32; 2],
        out_stride: [u32; 2],
        /// Strides of channels and images.
        in_channel: u32,
        in_batch: u32,
        out_channel: u32,
        out_batch: u32,
        /// Patches of all images.
        total: u32,
        channels_in: u32,
        /// Of the output.
        channels: u32,
        has_bias: u32,
        alpha_beta: [f32; 2],
        /// 0: count the taps.
        divisor: u32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
    }
}
