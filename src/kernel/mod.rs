//! The kernels: which there are, the text and constants of each, and the parameters they read.
//!
//! To add one: its `.wgsl` file, its file in the folder of the same name here, its place in the list of `key.rs`, and its
//! candidate in `plan`.

mod bindings;
mod block;
mod common;
mod compilers;
mod conv;
mod depthwise;
mod frame;
#[cfg(feature = "gradients")]
mod gradient;
mod key;
mod other;
mod pack;
mod packed;
mod patch;
mod pool;
mod reduce;
mod row;
mod text;
mod winograd;

pub use crate::activation::ActivationKind;
pub use bindings::{Bindings, PAGE, PAGES};
pub use block::{Block, Field};
pub use compilers::Target;
pub use key::{KernelKey, all};
pub use patch::{Across, Patch, PatchParams};
pub use reduce::Reduce;
pub use row::WORKGROUP;

#[cfg(feature = "gradients")]
pub use gradient::*;
pub(crate) use winograd::FORM;
pub use {conv::*, depthwise::*, frame::*, other::*, pack::*, pool::*, winograd::*};
