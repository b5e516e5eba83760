//! `other/reduce.wgsl`.

use crate::kernel::common::*;
use crate::spec::ReduceKind;

/// Axes made one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReduceAxes {
    /// What is computed.
    pub kind: ReduceKind,
    /// Type of the elements.
    pub dtype: DType,
    /// Whether more than one axis is reduced.
    pub several: bool,
    /// Invocations that share an output: a power of two, at most a workgroup.
    pub share: u32,
}

impl Kernel for ReduceAxes {
    fn row(&self) -> Row {
        let own = [SUM, FOLD, POOLING, shader!("other/reduce.wgsl")];
        typed(ReduceParams::BLOCK, self.dtype, &own, (1, 1))
            .with("KIND", self.kind as u32)
            .with("SEVERAL", self.several)
            .with("SHARE", self.share)
    }

    fn every() -> Vec<ReduceAxes> {
        let ways = pairs(FLOATS, [(false, 1), (true, 64)]);
        let of = |(kind, (dtype, (several, share)))| ReduceAxes { kind, dtype, several, share };
        pairs(ReduceKind::ALL, ways).map(of).collect()
    }
}

uniform! {
    /// Parameters of `other/reduce.wgsl`. Of axes the last comes first.
    ReduceParams {
        /// Lengths of the axes that stay.
        kept_length: [u32; 4],
        kept_stride: [u32; 4],
        /// Lengths of those that are reduced.
        length: [u32; 4],
        stride: [u32; 4],
        /// Elements of an output.
        count: u32,
        /// Outputs.
        total: u32,
        /// Minus infinity.
        lowest: f32,
        /// The bits of NaN, which no constant may hold.
        nan: u32,
    }
}
