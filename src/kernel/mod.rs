//! The kernels: which there are, the text and constants of each, and the parameters they read.
//!
//! To add one: its `.wgsl` file, its row in `registry.rs`, its place in `all.rs`, and its candidate in `plan`.

mod all;
pub(crate) mod block;
mod blocks;
mod compilers;
mod conv_patch;
mod cooperative;
mod gemm;
mod key;
pub mod params;
mod patch;
pub(crate) mod registry;
pub(crate) mod text;
mod tiled;
pub(crate) mod winograd;

pub use crate::activation::ActivationKind;
pub use all::all;
pub use block::{Block, Field};
pub use compilers::Target;
pub use conv_patch::{ConvPatch, ConvPatchParams};
pub use cooperative::{Cooperative, Side};
pub use gemm::{GemmFinish, GemmKernel, GemmParams, GemmTaps, GemmTile, PackGemmParams, PartsParams};
pub use key::{KernelKey, Reduce, Taps};
pub use patch::{Across, Patch, PatchParams};
pub use registry::{Bindings, TILED_WORKGROUP, WORKGROUP};
pub use tiled::{Tile, TileKeep, TileStep};
pub use winograd::WinogradParams;
