//! The tiles of products of matrices.

/// Output channels, and positions, that a workgroup computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum GemmTile {
    /// 32 by 32: 64 invocations with four channels at four positions each.
    Small = 32,
    /// 64 by 64: 128 invocations with eight channels at four positions each.
    Large = 64,
}
