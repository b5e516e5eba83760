//! `other/arg.wgsl`.

use crate::kernel::common::*;

/// The index of the largest or smallest element of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arg {
    /// Type of the elements.
    pub dtype: DType,
    /// Whether it is that of the smallest.
    pub min: bool,
    /// Whether of equal ones the last is taken.
    pub last: bool,
    /// Invocations that share a row: a power of two, at most a workgroup.
    pub share: u32,
}

impl Kernel for Arg {
    fn row(&self) -> Row {
        typed(ArgParams::BLOCK, self.dtype, &[shader!("other/arg.wgsl")], (1, 1))
            .with("MIN", self.min)
            .with("LAST", self.last)
            .with("SHARE", self.share)
    }

    fn every() -> Vec<Arg> {
        let of = |(dtype, (min, (last, share)))| Arg { dtype, min, last, share };
        pairs(FLOATS, pairs([false, true], pairs([false, true], [1, 64]))).map(of).collect()
    }
}

uniform! {
    /// Parameters of `other/arg.wgsl`.
    ArgParams {
        rows: u32,
        /// Elements of a row.
        length: u32,
        /// Distance between them.
        inner: u32,
        pad_0: u32,
    }
}
