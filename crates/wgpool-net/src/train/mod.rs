//! Training: gradients of whole networks, steps of optimisers, and a loop around both.

mod clip;
mod data;
mod initialise;
mod loss;
mod network;
mod prepare;
mod random;
mod recompute;
mod replay;
mod reverse;
mod rules;
mod settings;
mod step;
mod trainer;

pub use data::Dataset;
pub use initialise::{Initializer, initialise};
pub use network::Network;
pub use reverse::gradients;
pub use settings::{Clip, Loss, Recompute, Schedule, Settings, keras_adam};
#[cfg(not(target_arch = "wasm32"))]
pub use trainer::write_whole;
pub use trainer::{EncodedStep, EpochReport, Event, Fit, Metrics, PendingStep, StepReport, Trainer, Wish};
