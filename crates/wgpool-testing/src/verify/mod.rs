//! Proving an adapter: corpora of other frameworks' cases, random operations, poisoned and guarded runs.
//!
//! What the tests and `wgpool verify` share.

mod array;
mod attributes;
mod call;
mod case;
mod corpus;
mod flushed;
mod gradients;
mod guarded;
mod judge;
mod load;
mod manifest;
mod onnx;
pub mod random;
mod report;
mod torch;

pub use case::{Fault, Outcome, Verdict};
pub use corpus::{run_corpus, self_check};
pub use guarded::run_guarded;
pub use judge::Worst;
pub use report::{Failure, Report, Row, Skipped};
