//! The kernels of pooling.

mod fractional;
mod patch;
mod plane;
mod roi_align;
mod roi_max;
mod sliding;
mod uniform;
mod unpool;

pub use {fractional::*, patch::*, plane::*, roi_align::*, roi_max::*, sliding::*, uniform::*, unpool::*};
