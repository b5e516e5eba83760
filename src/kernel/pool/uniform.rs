//! `pool/uniform.wgsl`: pooling of a tensor that is read through pages.

use crate::kernel::common::*;
use crate::kernel::pages::{PAGES, Paged};

/// Sliding-window pooling of f32 read through pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolPages {
    /// What is computed of each window.
    pub reduce: Reduce,
    /// How it goes through the window.
    pub taps: Taps,
    /// Whether an invocation computes a run of outputs of a page before it turns to the next page.
    pub runs: bool,
}

impl Kernel for PoolPages {
    fn row(&self) -> Row {
        let PoolPages { reduce, taps, runs } = *self;
        let window = match taps {
            Taps::Any => shader!("pool/uniform_loops.wgsl"),
            Taps::Pairs => shader!("pool/uniform_pairs.wgsl"),
            Taps::Few { .. } => shader!("pool/uniform_taps.wgsl"),
            Taps::Columns { .. } => shader!("pool/uniform_columns.wgsl"),
        };
        let run = if runs { shader!("lib/run.wgsl") } else { shader!("lib/no_run.wgsl") };
        let own = vec![shader!("lib/first_max.wgsl"), run, shader!("pool/uniform.wgsl")];
        let of_each = [window, shader!("pool/uniform_each.wgsl")];
        let constants = [("REDUCE", f64::from(reduce as u32))];
        Paged { taps, pages: PAGES, runs, own, of_each }.row(&constants)
    }

    fn every() -> Vec<PoolPages> {
        let taps = Taps::EACH.into_iter().chain([Taps::Pairs]).chain(Taps::COLUMNS);
        let of_taps = |(reduce, runs)| taps.clone().map(move |taps| PoolPages { reduce, taps, runs });
        pairs(Reduce::WITHOUT_POWERS, [false, true]).flat_map(of_taps).collect()
    }
}
