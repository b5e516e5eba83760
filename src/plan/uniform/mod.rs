//! What software adapters read through uniform windows: their drivers load from uniform bindings many times faster than from
//! storage.

mod chunks;
mod pages;

pub(super) use chunks::{Chunk, Rows, channels_last};
pub(super) use pages::{PagedStep, params as page_params};
