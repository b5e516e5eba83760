//! The lines of `conv/cooperative.wgsl` for the matrices that a device multiplies.

use super::gemm_tile::GemmTile;

/// Cooperative matrices: their side, and the invocations that hold one together.
///
/// Both factors are of 16-bit floats, sums of 32-bit ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cooperative {
    /// Rows and columns of each matrix.
    pub side: Side,
    /// Invocations of every subgroup.
    pub subgroup: u32,
}

/// Rows and columns of a cooperative matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Side {
    /// 8 by 8.
    Eight = 8,
    /// 16 by 16.
    Sixteen = 16,
}

/// Subgroups of a workgroup, each of which has two by two matrices of sums.
const SUBGROUPS: u32 = 4;
const MATRICES: [(usize, usize); 4] = [(0, 0), (0, 1), (1, 0), (1, 1)];

impl Cooperative {
    /// One of each shape of loads, for tests to compile: subgroups of other sizes are possible.
    pub(super) const KINDS: [Cooperative; 4] = [
        Cooperative { side: Side::Eight, subgroup: 8 },
        Cooperative { side: Side::Eight, subgroup: 32 },
        Cooperative { side: Side::Sixteen, subgroup: 32 },
        Cooperative { side: Side::Sixteen, subgroup: 64 },
    ];

    /// Whether a workgroup of four such subgroups loads whole rows in whole steps.
    pub fn fits(self) -> bool {
        let side = self.side as u32;
        let rows = self.workgroup() / side;
        self.workgroup().is_multiple_of(side) && rows > 0 && self.step().is_multiple_of(rows)
    }

    /// Invocations of a workgroup.
    pub(crate) fn workgroup(self) -> u32 {
        self.subgroup.saturating_mul(SUBGROUPS)
    }

    /// Output channels, and columns, of a workgroup.
    pub fn tile(self) -> GemmTile {
        match self.side {
            Side::Eight => GemmTile::Small,
            Side::Sixteen => GemmTile::Large,
        }
    }

    /// Rows that are multiplied between two barriers.
    pub(crate) fn step(self) -> u32 {
        2 * self.side as u32
    }

    /// Rows that a workgroup loads at once.
    pub(crate) fn loaded(self) -> u32 {
        self.workgroup() / self.side as u32
    }

    /// Bytes of workgroup memory.
    pub(crate) fn memory(self) -> u32 {
        let side = self.side as u32;
        2 * self.step() * (side + 2) * 8 + side * (side + 1) * 16
    }

    /// The lines for a mark in the text.
    pub(super) fn lines(self, mark: &str) -> Vec<String> {
        let side = self.side as u32;
        let matrix = |role: &str| {
            format!("coop_mat{side}x{side}<{}, {role}>", if role == "C" { "f32" } else { "f16" })
        };
        let each = |line: &dyn Fn(usize, usize) -> String| MATRICES.map(|(i, j)| line(i, j)).to_vec();
        let sums = |level: &str| each(&|i, j| format!("var {level}_{i}{j} = {}();", matrix("C")));
        match mark {
            "side" => vec![format!("const SIDE: u32 = {side}u;")],
            "loads" => self.loads("var "),
            "next loads" => self.loads(""),
            "stores" => (self.each_load())
                .flat_map(|(i, rows)| {
                    [
                        format!("a_rows[(weight_row + {rows}) * LINE + weight_quad] = a_{i};"),
                        format!("b_rows[(row + {rows}) * LINE + quad] = b_{i};"),
                    ]
                })
                .collect(),
            "sums" => [sums("part"), sums("block"), sums("total")].concat(),
            "products" => (0..2).flat_map(|half| self.products(half, &matrix)).collect(),
            "end parts" => each(&|i, j| {
                format!("block_{i}{j} = block_{i}{j} + part_{i}{j};\npart_{i}{j} = {}();", matrix("C"))
            }),
            "end blocks" => each(&|i, j| {
                format!("total_{i}{j} = total_{i}{j} + block_{i}{j};\nblock_{i}{j} = {}();", matrix("C"))
            }),
            "totals" => each(&|i, j| format!("total_{i}{j} = total_{i}{j} + (block_{i}{j} + part_{i}{j});")),
            "results" => (0..2).flat_map(|upper| (0..2).flat_map(move |i| self.results(upper, i))).collect(),
            _ => Vec::new(),
        }
    }

    /// Each of an invocation's loads of a step, and the rows before it.
    fn each_load(self) -> impl Iterator<Item = (u32, String)> {
        let loads = self.step().checked_div(self.loaded()).unwrap_or(0);
        (0..loads).map(move |i| (i, format!("{}u", i * self.loaded())))
    }

    fn loads(self, declare: &str) -> Vec<String> {
        (self.each_load())
            .flat_map(|(i, rows)| {
                [
                    format!(
                        "{declare}a_{i} = four_weights(block, next + weight_row + {rows}, end, weight_quad);"
                    ),
                    format!("{declare}b_{i} = four_inputs(source, tap, next + row + {rows} < end);"),
                    "tap = next_tap(tap);".to_owned(),
                ]
            })
            .collect()
    }

    /// Rows of weights lie below each other, so that the matrix of channels by rows is stored by columns.
    fn products(self, half: u32, matrix: &dyn Fn(&str) -> String) -> Vec<String> {
        let (side, a, b) = (self.side as u32, matrix("A"), matrix("B"));
        let at = |i: u32| format!("{}u * LINE + {}u", half * side, i * side / 4);
        let mut lines = vec!["{".to_owned()];
        for i in 0..2 {
            lines.push(format!("let a_{i} = coopLoad<{a}>(&a_rows[a_from + {}], LINE);", at(i)));
            lines.push(format!("let b_{i} = coopLoadT<{b}>(&b_rows[b_from + {}], LINE);", at(i)));
        }
        for (i, j) in MATRICES {
            lines.push(format!("part_{i}{j} = coopMultiplyAdd(a_{i}, b_{j}, part_{i}{j});"));
        }
        lines.push("}".to_owned());
        lines
    }

    /// The channels of one row of matrices go through workgroup memory to the invocations that finish them.
    fn results(self, upper: u32, i: u32) -> Vec<String> {
        let side = self.side as u32;
        let first = (upper * 2 + i) * side;
        vec![
            "workgroupBarrier();".to_owned(),
            format!("if (upper == {upper}u) {{"),
            format!("    coopStoreT(total_{i}0, &tiles[b_from], SIDE + 1u);"),
            format!("    coopStoreT(total_{i}1, &tiles[b_from + {}u], SIDE + 1u);", side / 4),
            "}".to_owned(),
            "workgroupBarrier();".to_owned(),
            format!("finish(columns.there, to, first + {first}u, row, quad, place, local);"),
        ]
    }
}
