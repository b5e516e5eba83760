//! What is neither convolution nor pooling.

pub(super) mod col2im;
pub(super) mod elementwise;
pub(super) mod pointwise;
mod softmax;

pub(super) use softmax::{SOFTMAX, softmax};
