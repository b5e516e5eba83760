//! `pool/uniform.wgsl`: pooling of a tensor that is read through pages.

use crate::kernel::common::*;
use crate::kernel::pages::Paged;

/// Sliding-window pooling of f32 read through pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolPages {
    /// What is computed of each window.
    pub reduce: Reduce,
    /// How it goes through the window.
    pub taps: Taps,
}

impl Kernel for PoolPages {
    fn row(&self) -> Row {
        let PoolPages { reduce, taps } = *self;
        let window = match taps {
            Taps::Any => shader!("pool/uniform_loops.wgsl"),
            Taps::Pairs => shader!("pool/uniform_pairs.wgsl"),
            Taps::Few { .. } => shader!("pool/uniform_taps.wgsl"),
            Taps::Columns { .. } => shader!("pool/uniform_columns.wgsl"),
        };
        let own = vec![shader!("lib/first_max.wgsl"), shader!("pool/uniform.wgsl")];
        let of_each = [window, shader!("pool/uniform_each.wgsl")];
        let constants = [("REDUCE", f64::from(reduce as u32))];
        Paged { taps, own, of_each }.row(&constants)
    }

    fn every() -> Vec<PoolPages> {
        let taps = Taps::EACH.into_iter().chain([Taps::Pairs]).chain(Taps::COLUMNS);
        let of_taps = |reduce| taps.clone().map(move |taps| PoolPages { reduce, taps });
        Reduce::WITHOUT_POWERS.into_iter().flat_map(of_taps).collect()
    }
}
