//! How pooling makes one value of a window.

use super::row::pairs;
use crate::dtype::{BYTES, DType, FLOATS};
use crate::spec::PoolKind;

/// How a window becomes one value; the numbers are those of `REDUCE` in the shaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[non_exhaustive]
pub enum Reduce {
    /// The largest element.
    Max = 0,
    /// The mean, of the taps inside the input.
    Average = 1,
    /// The mean, of the taps inside the padded input.
    AveragePadded = 2,
    /// The Lp norm.
    Lp = 3,
    /// PyTorch's Lp norm.
    LpTorch = 4,
}

impl From<PoolKind> for Reduce {
    fn from(kind: PoolKind) -> Reduce {
        match kind {
            PoolKind::Max => Reduce::Max,
            PoolKind::Average { count_include_pad: false, .. } => Reduce::Average,
            PoolKind::Average { count_include_pad: true, .. } => Reduce::AveragePadded,
            PoolKind::Lp { .. } => Reduce::Lp,
            PoolKind::LpTorch { .. } => Reduce::LpTorch,
        }
    }
}

impl Reduce {
    /// Those that most kernels have.
    pub(crate) const WITHOUT_POWERS: [Reduce; 3] = [Reduce::Max, Reduce::Average, Reduce::AveragePadded];

    /// Every one with every type of elements: integers have a maximum alone.
    pub(crate) fn with_types() -> impl Iterator<Item = (Reduce, DType)> + Clone {
        let reduces = [Reduce::Max, Reduce::Average, Reduce::AveragePadded, Reduce::Lp, Reduce::LpTorch];
        pairs(reduces, FLOATS).chain(BYTES.map(|dtype| (Reduce::Max, dtype)))
    }
}
