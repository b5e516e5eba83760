//! Training: gradients of whole networks, steps of optimisers, and a loop around both.

mod prepare;
mod reverse;
mod rules;

pub use reverse::gradients;
