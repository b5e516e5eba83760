//! Weights of layers.

use std::sync::Arc;

use wgpool::tensor::{Tensor, TensorDesc};

/// A weight of a layer: its values, or its shape alone in a model that was read without weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Weight {
    /// Only the shape is known: enough for a summary, not for running.
    Shape(Vec<usize>),
    /// The values, which copies of a model share.
    Values(Arc<Tensor>),
}

impl Weight {
    /// Length of each axis.
    pub fn shape(&self) -> &[usize] {
        match self {
            Weight::Shape(shape) => shape,
            Weight::Values(tensor) => tensor.shape(),
        }
    }

    /// The values, if they are known.
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Weight::Shape(_) => None,
            Weight::Values(tensor) => Some(tensor),
        }
    }

    /// Shape and element type; a weight known by its shape alone is f32.
    pub fn desc(&self) -> TensorDesc {
        match self {
            Weight::Shape(shape) => TensorDesc::f32(shape.clone()),
            Weight::Values(tensor) => tensor.desc(),
        }
    }

    /// Number of elements; the largest number there is if they do not fit.
    pub fn elements(&self) -> u64 {
        self.shape().iter().fold(1u64, |n, &d| n.saturating_mul(d as u64))
    }
}

impl From<Tensor> for Weight {
    fn from(tensor: Tensor) -> Weight {
        Weight::Values(Arc::new(tensor))
    }
}
