//! The kernels of other operations.

mod activation;
mod col2im;
mod elementwise;
mod softmax;
mod softmax_rows;

pub use {activation::*, col2im::*, elementwise::*, softmax::*, softmax_rows::*};
