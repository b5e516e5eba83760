//! Proving an adapter: poisoned and guarded runs, and random operations to run on it.
//!
//! What the tests and `wgpool verify` share.

mod guarded;
pub mod random;

pub use guarded::run_guarded;
