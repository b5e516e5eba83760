//! Pooling and convolution as WGSL compute shaders on [wgpu](https://docs.rs/wgpu), checked against a CPU
//! reference, with a fast host path for machines without a GPU.
//!
//! A call goes `spec` (what the user wants, [`Op`]) to [`Problem`] (validated, every shape known).
#![warn(missing_docs)]

pub mod backend;
pub mod error;
pub mod geometry;
pub mod host;
pub mod model;
pub mod problem;
pub mod reference;
pub mod spec;
pub mod tensor;

pub use backend::{Backend, Choice};
pub use error::{Error, Result};
pub use problem::Problem;
pub use spec::{
    Activation, Conv, Dense, DenseLayout, GlobalPool, IndexNumbering, KernelLayout, Layout, Op, Padding,
    Pool, PoolKind, Softmax,
};
pub use tensor::{DType, Data, Tensor, TensorDesc};
