//! The kernels that bring inputs and weights into the order in which others read them.

mod gemm;
mod input;
mod integer;
mod weights;

pub use {gemm::*, input::*, integer::*, weights::*};
