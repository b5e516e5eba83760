//! What wgpool's tests, its `verify` and its benchmarks share: guarded runs, random cases, corpora, workloads and clocks.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable))]

pub mod bench;
pub mod fuzz;
pub mod support;
pub mod tampered;
pub mod verify;
