//! The kernels between tensors and pictures, which bind textures too.

mod read;
mod show;

pub use {read::*, show::*};
