//! Models on [`wgpool`]: layers in a row or with branches, as Keras' `Sequential` and `Functional`, lowered to its operations.
//!
//! [`Model`] is what the user builds or [`keras`] loads, layer for layer; [`Model::program`] lowers it to
//! a [`Program`]: a list of operations with known shapes, fused where that is legal. Both are plain data.
#![deny(missing_docs)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable))]

mod affine;
mod axes;
#[cfg(not(target_arch = "wasm32"))]
mod blocking;
pub mod custom;
mod dropout;
mod explain;
mod graph;
pub mod keras;
mod layer;
mod lower;
mod memory;
mod model;
#[cfg(feature = "onnx")]
pub mod onnx;
mod program;
mod session;
mod slots;
mod summary;
#[cfg(feature = "training")]
pub mod train;
mod weight;

pub use affine::{BatchNorm, Normalization, Rescale};
pub use dropout::DropoutRate;
pub use explain::{LayerCost, ProgramExplanation};
pub use graph::{Graph, Value};
pub use layer::{Call, Edges, Input, Interpolation, Layer, LayerKind, Merge, Model, Origin, Resize};
pub use memory::Memory;
pub use model::Parameters;
pub use program::{Fusion, Port, Program, Source, Step, Wrong};
pub use session::{CacheUses, Session, SessionCache, SplitSession};
#[cfg(not(target_arch = "wasm32"))]
pub use session::{Clock, Profile, StepTime};
pub use weight::Weight;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[cfg_attr(feature = "training", doc = include_str!("../docs/training.md"))]
mod readme {}
