//! Reading ONNX files: what they say, what is refused by which rule, constants that are folded, and hostile ones.

mod attributes;
mod cache;
mod custom;
mod files;
mod fold;
mod fuzz;
mod import;
mod integers;
mod message;
mod tensors;
mod weights;

#[global_allocator]
static ALLOCATOR: wgpool_testing::fuzz::Counting = wgpool_testing::fuzz::Counting;
