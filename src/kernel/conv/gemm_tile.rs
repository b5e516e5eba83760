//! The tiles of products of matrices.

/// Output channels, and positions, that a workgroup computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GemmTile {
    /// 32 by 32: 64 invocations with four channels at four positions each.
    Small,
    /// 64 by 64: 128 invocations with eight channels at four positions each.
    Large,
    /// 64 by 64: 64 invocations with eight channels at eight positions each, whose sums are plain chains.
    Chain,
}

impl GemmTile {
    /// Output channels, and as many positions.
    pub fn side(self) -> u32 {
        if self == GemmTile::Small { 32 } else { 64 }
    }

    /// Invocations of a workgroup.
    pub fn workgroup(self) -> u32 {
        if self == GemmTile::Large { 128 } else { 64 }
    }

    /// Rows of the matrices that a workgroup loads at once: half of those between two barriers.
    pub fn loaded(self) -> u32 {
        if self == GemmTile::Chain { 4 } else { 8 }
    }
}
