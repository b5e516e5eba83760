//! Operations that ONNX has beside pooling, convolution and dense layers: the host path on random specifications, results
//! worked out by hand on every path, and what is refused.

mod cases;
mod causal;
mod col2im;
mod deform;
mod epilogue;
mod integer;
mod moves;
mod reduce;
mod resize;
mod types;
