//! Pooling and convolution as WGSL compute shaders on [wgpu](https://docs.rs/wgpu), checked against a CPU
//! reference, with a fast host path for machines without a GPU.
//!
//! A call goes `spec` (what the user wants, [`Op`]) to [`Problem`] (validated, every shape known).
#![warn(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable))]

pub mod backend;
pub mod engine;
pub mod error;
pub mod frame;
pub mod geometry;
pub mod host;
pub mod kernel;
pub mod model;
pub mod plan;
pub mod problem;
pub mod reference;
pub mod spec;
pub mod tensor;
#[cfg(feature = "cli")]
pub mod verify;

pub use backend::{Backend, Choice, Opened};
pub use engine::{Binding, Engine, Prepared};
pub use error::{Error, Result};
pub use frame::{ColorMap, Crop, FrameChannels, FramePlan, FrameToTensor, OverlayPlan, TensorToFrame};
pub use plan::{Caps, Plan};
pub use problem::Problem;
pub use spec::{
    Activation, AdaptivePool, Conv, ConvPool, ConvTranspose, Dense, DenseLayout, FractionalMaxPool,
    GlobalPool, IndexNumbering, KernelLayout, Layout, MaxRoiPool, MaxUnpool, Op, Padding, Pool, PoolKind,
    RoiAlign, RoiMode, Softmax,
};
pub use tensor::{DType, Data, Tensor, TensorDesc};
