//! The kernels of pooling.

mod fractional;
mod patch;
mod plane;
mod roi_align;
mod roi_max;
mod roi_params;
mod sliding;
mod uniform;
mod unpool;

pub use {
    fractional::*, patch::*, plane::*, roi_align::*, roi_max::*, roi_params::*, sliding::*, uniform::*,
    unpool::*,
};
