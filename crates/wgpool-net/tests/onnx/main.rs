//! Reading ONNX files: what they say, what is refused by which rule, and hostile ones.

mod attributes;
mod files;
mod fuzz;
mod import;
mod message;
mod tensors;

#[global_allocator]
static ALLOCATOR: wgpool_testing::fuzz::Counting = wgpool_testing::fuzz::Counting;
