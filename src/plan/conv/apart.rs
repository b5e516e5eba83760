//! Whether a convolution is so fast by itself that pooling had better come after it.

use super::request::Both;
use super::{gemm, register_tiles};
use crate::plan::planner::{Planner, Verdict};

/// By matrices, or in register tiles.
pub(super) fn fast_apart(both: &Both, p: &Planner) -> Verdict {
    let product = both.little_outside().is_ok() && gemm::profitable(both.conv(), p).is_some();
    match product || register_tiles::is_chosen(&both.alone, p) {
        true => Err("the convolution alone fills tiles, after which pooling costs less"),
        false => Ok(()),
    }
}
