//! The kernels of other operations.

mod activation;
mod col2im;
mod softmax;
mod softmax_rows;

pub use {activation::*, col2im::*, softmax::*, softmax_rows::*};
