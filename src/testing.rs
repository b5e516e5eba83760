//! What tests, `verify` and benchmarks of this repository need of the inside; no part of the public interface.

pub use crate::engine::ShaderEdit;
pub use crate::engine::filled::filled;
pub use crate::engine::scope::scoped;
pub use crate::kernel::WORKGROUP;
pub use crate::reference::judge::{Judge, SEED, values};

/// Loops with the widest registers that the machine has.
pub mod simd {
    pub use crate::host::simd::{level, mul_add, wide};
}
