//! Keras' flattening of `channels_first` tensors, which moves the channels last before it flattens.
//!
//! The program leaves the elements where they are and permutes the rows of the dense kernel that reads them; before any
//! other layer that cares for their order it moves them.

use crate::weight::Weight;
use wgpool::error::Result;
use wgpool::spec::DenseLayout;
use wgpool::tensor::Tensor;

/// Elements in the order channels x space that should be in the order space x channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reorder {
    pub channels: usize,
    pub space: usize,
}

impl Reorder {
    /// The reordering that flattening a tensor of this shape asks for; `None` if both orders are the same.
    pub fn of(shape: &[usize]) -> Option<Reorder> {
        let [_, channels, space @ ..] = shape else { return None };
        let (channels, space) = (*channels, space.iter().product());
        (channels > 1 && space > 1).then_some(Reorder { channels, space })
    }

    /// Where the element at channels-first position `at` belongs.
    fn target(&self, at: usize) -> usize {
        (at % self.space) * self.channels + at / self.space
    }

    /// The rows of a dense kernel, reordered to read the elements where they are.
    pub fn dense_kernel(&self, kernel: &Weight, layout: DenseLayout) -> Result<Weight> {
        let (Some(tensor), &[first, second]) = (kernel.tensor(), kernel.shape()) else {
            return Ok(kernel.clone());
        };
        let values = tensor.as_f32()?;
        let mut reordered = Vec::with_capacity(values.len());
        for row in 0..first {
            for column in 0..second {
                let from = match layout {
                    DenseLayout::InOut => self.target(row) * second + column,
                    DenseLayout::OutIn => row * second + self.target(column),
                };
                // A kernel of another length than the elements is refused when its problem is made.
                reordered.push(values.get(from).copied().unwrap_or(f32::NAN));
            }
        }
        Ok(Tensor::from_f32(kernel.shape(), reordered)?.into())
    }
}
