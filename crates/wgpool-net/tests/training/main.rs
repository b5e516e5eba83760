//! Training of whole networks.

mod curves;
mod differences;
mod nets;
mod trainer;
