//! The kernels of other operations.

mod activation;
mod arg;
mod col2im;
mod reduce;
mod resize;
mod softmax;
mod softmax_rows;
mod strided;

pub use {activation::*, arg::*, col2im::*, reduce::*, resize::*, softmax::*, softmax_rows::*, strided::*};
