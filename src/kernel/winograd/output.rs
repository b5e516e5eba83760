//! `winograd/output.wgsl`.

use super::transform::{FORM, sums, transform};
use crate::kernel::common::*;

/// Products of Winograd's algorithm transformed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WinogradOutput {
    /// Type of the elements.
    pub dtype: DType,
    /// Applied to the result.
    pub activation: ActivationKind,
    /// Whether the largest of each 2 by 2 is stored.
    pub pool: bool,
    /// Whether the residual is added; not where the largest are stored.
    pub residual: bool,
}

impl Kernel for WinogradOutput {
    fn row(&self) -> Row {
        // A^T m A.
        let load = |i, j| format!("load(place, {}u)", i * FORM.points + j);
        let name = |i, j, sum| format!("    let y_{i}_{j} = {sum};");
        let own = [NUMBER, SUM, self.activation.wgsl(), EACH, shader!("winograd/output.wgsl")];
        transform(self.dtype, &own, (4, 1))
            .written(move |_| sums(FORM.output, 'm', load, name))
            .with("POOL", self.pool)
    }

    fn every() -> Vec<WinogradOutput> {
        let of =
            |(dtype, (activation, (pool, residual)))| WinogradOutput { dtype, activation, pool, residual };
        let variants = [(false, false), (true, false), (false, true)];
        pairs(FLOATS, pairs(ActivationKind::ALL, variants)).map(of).collect()
    }
}
