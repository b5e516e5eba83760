//! The kernels of other operations.

mod activation;
mod col2im;
mod softmax;
mod softmax_rows;
mod strided;

pub use {activation::*, col2im::*, softmax::*, softmax_rows::*, strided::*};
