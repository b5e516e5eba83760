//! Timing operations on an adapter beside the host path, over one table of workloads.
//!
//! Every result is compared with the reference before it is timed. What `wgpool bench` and `cargo bench` share.

pub mod cases;
mod ceilings;
mod check;
mod clock;
pub mod compare;
mod contest;
mod export;
mod gpu;
mod host;
mod measure;
mod report;
pub mod workloads;

pub use cases::Case;
pub use ceilings::Ceilings;
pub use check::Checked;
pub use clock::Clock;
pub use contest::{Calls, CaseReport, FusionReport, measure, measure_calls, measure_each, measure_fusion};
pub use export::{Exported, export};
pub use gpu::{First, GpuRun};
pub use host::HostRun;
pub use measure::{Effort, Sample, Spread, Timing};
pub use report::{Device, Machine, Report, SCHEMA, Scaling, rates};
