//! `winograd/input.wgsl`.

use super::transform::{FORM, stored, sums, transform};
use crate::kernel::common::*;

/// Inputs transformed for Winograd's algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WinogradInput {
    /// Type of the elements.
    pub dtype: DType,
}

impl Kernel for WinogradInput {
    fn row(&self) -> Row {
        // B^T d B.
        let load = |i, j| format!("load(place, {i}, {j})");
        transform(self.dtype, &[EACH, shader!("winograd/input.wgsl")], (1, 1))
            .written(move |_| sums(FORM.input, 'd', load, stored))
    }

    fn every() -> Vec<WinogradInput> {
        FLOATS.map(|dtype| WinogradInput { dtype }).to_vec()
    }
}
