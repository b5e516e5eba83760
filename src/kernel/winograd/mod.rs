//! The kernels of Winograd's algorithm.

mod input;
mod output;
mod transform;
mod weights;

pub(crate) use transform::FORM;
pub use {input::*, output::*, transform::*, weights::*};
