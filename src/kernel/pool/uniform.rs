//! `pool/uniform.wgsl`: pooling of a tensor that is read through pages.

use crate::kernel::bindings::PAGES;
use crate::kernel::common::*;

/// Sliding-window pooling of f32 read through pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolPages {
    /// What is computed of each window.
    pub reduce: Reduce,
}

impl Kernel for PoolPages {
    fn row(&self) -> Row {
        let text = [SUM, shader!("pool/uniform.wgsl"), "//: text of each page\n"];
        let mut row = plain(PagesParams::BLOCK, &text, (0, 1)).with("REDUCE", self.reduce as u32);
        row.bindings.pages = PAGES as u32;
        // Uniform buffers can be neither passed to functions nor numbered at run time.
        let page = shader!("pool/uniform_page.wgsl").trim_end();
        row.written(move |mark| {
            let of = |number: usize| match mark {
                "pages" => format!("    pool_{number}(place);"),
                _ => page.replace("PAGE", &number.to_string()),
            };
            (0..PAGES).map(of).collect()
        })
    }

    fn every() -> Vec<PoolPages> {
        Reduce::WITHOUT_POWERS.map(|reduce| PoolPages { reduce }).to_vec()
    }
}

uniform! {
    /// Parameters of `pool/uniform.wgsl`.
    PagesParams {
        chunks: [[u32; 4]; 8],
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
