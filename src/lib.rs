//! Pooling and convolution as WGSL compute shaders on [wgpu], checked against a CPU reference, with a fast host path
//! for machines without a GPU.
//!
//! A call goes from an [`Op`] (what the user wants, in the frameworks' terms) to a [`Problem`] (validated, every shape
//! known) to a [`Plan`] (kernels for a device), which an [`Engine`] prepares, binds to buffers, and records into the
//! caller's own compute pass:
//!
//! ```
//! use wgpool::{Caps, Plan, Pool, TensorDesc};
//! let plan = Plan::new(&Pool::max([2, 2]).into(), &[TensorDesc::f32([1, 10, 26, 26])], &Caps::default())?;
//! assert_eq!(plan.problem.outputs[0].shape, [1, 10, 13, 13]);
//! # Ok::<(), wgpool::Error>(())
//! ```
//!
//! For scripts and tests, [`Backend`] computes an operation on tensors in host memory wherever it is told to.
//! The crate `wgpool-net` loads Keras models and compiles them to one submission a run.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable))]
// A browser's devices belong to one thread; natively the same types are sent to others.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]

mod activation;
#[cfg(feature = "ndarray")]
mod array;
pub mod backend;
mod choice;
mod dtype;
mod elementwise;
pub mod engine;
pub mod error;
pub mod frame;
pub mod geometry;
pub mod host;
#[cfg(feature = "unstable-testing")]
#[doc(hidden)]
pub mod kernel;
#[cfg(not(feature = "unstable-testing"))]
#[allow(dead_code, unused_imports)] // tests alone list, compare and take apart what there is
mod kernel;
mod memory;
mod outside;
pub mod plan;
pub mod problem;
pub mod reference;
#[doc = include_str!("../docs/semantics.md")]
pub mod semantics {}
pub mod spec;
pub mod tensor;
#[cfg(feature = "unstable-testing")]
#[doc(hidden)]
pub mod testing;
pub mod text;
mod threads;

pub use backend::{Backend, Fallback, Opened};
pub use choice::Choice;
pub use engine::{Binding, Engine, PrepackedBinding, Prepared};
pub use error::{Error, Result};
pub use frame::{ColorMap, Crop, FrameChannels, FramePlan, FrameToTensor, OverlayPlan, TensorToFrame};
/// The version of `half` whose floats tensors hold.
pub use half;
/// The version of `ndarray` whose arrays tensors are made of and into.
#[cfg(feature = "ndarray")]
pub use ndarray;
pub use plan::{Caps, Plan};
pub use problem::Problem;
pub use spec::{
    Accuracy, Activation, ActivationKind, AdaptivePool, ArgKind, ArgReduce, AsStrided, BinaryFunction,
    CausalConv, Col2Im, Concat, Conv, ConvInteger, ConvPool, ConvTranspose, DeformConv, Dense, DenseLayout,
    ElementStep, Elementwise, FractionalMaxPool, GlobalPool, IndexNumbering, KernelLayout, Layout,
    MaxRoiPool, MaxUnpool, NearestRounding, Op, Operand, Pad, PadMode, Padding, PerAxis, Pool, PoolKind,
    Reduce, ReduceKind, Requantize, Resize, ResizeCoordinates, ResizeMode, RoiAlign, RoiMode, Softmax,
    UnaryFunction,
};
pub use tensor::{DType, Data, Tensor, TensorDesc};
/// The version of wgpu that this crate takes devices of.
pub use wgpu;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../docs/embedding.md")]
mod readme {}
