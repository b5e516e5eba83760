//! Kernels that read f32 through pages.

use super::block::uniform;
use super::row::{Constant, Row, row};
use super::taps::Taps;
use super::text::{INDEX, NUMBER, SUM, filled, shader};
use crate::dtype::DType;

/// Bytes of a page, which is a uniform binding of the largest size that WebGPU promises.
pub const PAGE: u64 = 65536;

/// Pages that a kernel binds at most, beside its parameters; WebGPU promises twelve uniform bindings in all.
pub const PAGES: usize = 8;

/// A kernel's own text, and what it does with each page, once for each: uniform buffers can be neither passed to
/// functions nor numbered at run time. `PAGE` in the text becomes the page's number.
pub(crate) struct Paged {
    pub taps: Taps,
    pub own: Vec<&'static str>,
    pub of_each: [&'static str; 2],
}

impl Paged {
    pub fn row(self, constants: &[Constant]) -> Row {
        let width = if self.taps.fours() { shader!("lib/four.wgsl") } else { shader!("lib/one.wgsl") };
        let count: &[&str] = match self.taps {
            Taps::Any | Taps::Pairs => &[],
            Taps::Few { .. } => &[shader!("lib/few_taps.wgsl")],
            Taps::Columns { .. } => &[shader!("lib/few_taps.wgsl"), shader!("lib/columns.wgsl")],
        };
        let shared = [&[INDEX, NUMBER, SUM, width], count, &[shader!("lib/pages.wgsl")]].concat();
        let text = [&shared[..], &self.own, &["//: text of each page\n"]].concat();
        let mut row = row(PagesParams::BLOCK, DType::F32, text, (0, 1));
        row.bindings.pages = PAGES as u32;
        row.constants = constants.to_vec();
        if let Some(side) = self.taps.side() {
            row = row.with("TAPS", side);
        }
        row.written(move |mark| if mark == "pages" { self.pools() } else { self.text_of_each() })
    }

    fn text_of_each(&self) -> Vec<String> {
        let four = self.taps.fours();
        let load = if four { shader!("lib/page_four.wgsl") } else { shader!("lib/page_one.wgsl") };
        let page = load.to_owned() + &filled(&self.of_each.concat(), |name| self.columns(name));
        (0..PAGES).map(|number| page.trim_end().replace("PAGE", &number.to_string())).collect()
    }

    /// What is made of a row whose columns four windows share: the largest, or sums.
    fn columns(&self, name: &str) -> Vec<String> {
        let Taps::Columns { side, stride } = self.taps else { return Vec::new() };
        let mut lines = Vec::new();
        for four in 0..(3 * stride + side).div_ceil(4) {
            let column = format!("place.column + {}", 4 * four);
            let loaded = format!("load_PAGE(row + four_from({column}))");
            lines.push(format!("let x{four} = {loaded};"));
            lines.push(match name {
                "orders" => {
                    format!("let order{four} = select(vec4<u32>(0u), order_of(x{four}), inside({column}));")
                }
                _ => format!("let in{four} = inside({column}) & vec4<bool>(in_row);"),
            });
        }
        // Maxima take the last tap first.
        let taps = (0..side).map(|tap| if name == "orders" { side - 1 - tap } else { tap });
        for tap in taps {
            let columns = [0, 1, 2, 3].map(|window| window * stride + tap);
            let of =
                |name: &str| columns.map(|column| format!("{name}{}[{}]", column / 4, column % 4)).join(", ");
            let (x, inside) = (of("x"), of("in"));
            lines.push(match name {
                "orders" => format!("take(&largest, vec4<u32>({}), vec4<f32>({x}));", of("order")),
                _ => format!("sum += select(vec4<f32>(), vec4<f32>({x}), vec4<bool>({inside}));"),
            });
        }
        lines
    }

    /// Pools in each page.
    fn pools(&self) -> Vec<String> {
        (0..PAGES).map(|page| format!("    pool_{page}(place_of(first));")).collect()
    }
}

uniform! {
    /// Parameters of `pool/uniform.wgsl`.
    PagesParams {
        chunks: [[u32; 8]; 8],
        /// Row, middle, last, 0.
        in_size: [i32; 4],
        /// Row, middle, last, elements of a position.
        out_size: [i32; 4],
        /// For quotients by out_size.
        out_factor: [u32; 4],
        out_shift: [u32; 4],
        /// Row, middle, last, 0.
        window: [i32; 4],
        stride: [i32; 4],
        dilation: [i32; 4],
        dilation_factor: [u32; 4],
        dilation_shift: [u32; 4],
        pad_before: [i32; 4],
        /// Input length + padding after it.
        padded_end: [i32; 4],
        /// Row, middle, last, plane.
        in_stride: [i32; 4],
        /// What the next tap adds to a place in memory: row, middle, last, 0.
        tap_step: [i32; 4],
        /// 0: count the taps.
        divisor: u32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
        pad_0: u32,
        pad_1: u32,
    }
}
