//! `pool/plane.wgsl`: pooling of whole planes, whose elements invocations share.

use crate::kernel::common::*;

/// Pooling of whole planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolPlane {
    /// What is computed of each plane.
    pub reduce: Reduce,
    /// Type of the elements.
    pub dtype: DType,
    /// Invocations that share a plane: a power of two, at most a workgroup.
    pub share: u32,
}

impl Kernel for PoolPlane {
    fn row(&self) -> Row {
        let own = [SUM, POOLING, FOLD, shader!("pool/plane.wgsl")];
        by_words(PlaneParams::BLOCK, self.dtype, &own, (1, 1))
            .with("REDUCE", self.reduce as u32)
            .with("SHARE", self.share)
    }

    fn every() -> Vec<PoolPlane> {
        let kinds = Reduce::with_types().filter(|(reduce, _)| *reduce != Reduce::LpTorch);
        pairs(kinds, [8, 64]).map(|((reduce, dtype), share)| PoolPlane { reduce, dtype, share }).collect()
    }
}

uniform! {
    /// Parameters of `pool/plane.wgsl`.
    PlaneParams {
        /// Elements of a plane.
        length: u32,
        /// Distance between them.
        step: u32,
        channels: u32,
        /// Distance between channels.
        channel: u32,
        /// Elements of an image.
        in_batch: u32,
        /// Planes.
        total: u32,
        divisor: u32,
        identity: f32,
        p: f32,
        nan: u32,
        /// 1 / p.
        root: f32,
        pad_0: u32,
    }
}
