//! The kernels of other operations.

mod activation;
mod arg;
mod col2im;
mod elementwise;
mod reduce;
mod resize;
mod softmax;
mod softmax_rows;
mod strided;

pub use {
    activation::*, arg::*, col2im::*, elementwise::*, reduce::*, resize::*, softmax::*, softmax_rows::*,
    strided::*,
};
