//! The kernels of convolution and dense layers.

mod causal_sequence;
mod cooperative;
mod deform_samples;
mod dense;
mod direct;
mod few_channels;
mod gemm;
mod gemm_tile;
mod integer;
mod params;
mod parts;
mod pooled;
mod register_tile;
mod requantize;
mod tile;
mod transpose;

pub use {
    causal_sequence::*, cooperative::*, deform_samples::*, dense::*, direct::*, few_channels::*, gemm::*,
    gemm_tile::*, integer::*, params::*, parts::*, pooled::*, register_tile::*, requantize::*, tile::*,
    transpose::*,
};
