//! Training of whole networks.

mod curves;
mod differences;
mod growth;
mod nets;
mod recompute;
mod trainer;
