//! The kernels of gradients.

mod activation;
mod cross_entropy;
mod dropout;
mod pool;
mod roi_align;
mod softmax;
mod unpool;
mod weights;

pub use {
    activation::*, cross_entropy::*, dropout::*, pool::*, roi_align::*, softmax::*, unpool::*, weights::*,
};
