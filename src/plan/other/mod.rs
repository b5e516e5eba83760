//! What is neither convolution nor pooling.

pub(super) mod col2im;
pub(super) mod pointwise;
pub(super) mod reduce;
pub(super) mod resize;
mod softmax;
pub(super) mod strided;

pub(super) use softmax::{SOFTMAX, softmax};
