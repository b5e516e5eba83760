//! The kernels of other operations.

mod activation;
mod arg;
mod col2im;
mod reduce;
mod softmax;
mod softmax_rows;
mod strided;

pub use {activation::*, arg::*, col2im::*, reduce::*, softmax::*, softmax_rows::*, strided::*};
