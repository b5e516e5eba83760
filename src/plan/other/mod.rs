//! What is neither convolution nor pooling.

pub(super) mod col2im;
pub(super) mod pointwise;
pub(super) mod reduce;
mod softmax;
pub(super) mod strided;

pub(super) use softmax::{SOFTMAX, softmax};
