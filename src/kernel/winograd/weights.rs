//! `winograd/weights.wgsl`.

use super::transform::{FORM, stored, sums, transform};
use crate::kernel::common::*;

/// Weights transformed for Winograd's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WinogradWeights {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for WinogradWeights {
    fn row(&self) -> Row {
        // G g G^T.
        let load = |i, j| format!("load(place, {i}u, {j}u)");
        transform(self.dtype, &[EACH, shader!("winograd/weights.wgsl")], (1, 1))
            .written(move |_| sums(FORM.weights, 'g', load, stored))
    }

    fn every() -> Vec<WinogradWeights> {
        FLOATS.map(|dtype| WinogradWeights { dtype }).to_vec()
    }
}
