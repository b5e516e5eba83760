//! Reading a tensor's shape as a batch of images.

use crate::error::{Error, Result};
use crate::geometry::{MAX_SPATIAL, three};
use crate::spec::Layout;
use crate::tensor::checked_elements;

/// A batch of images of one to three spatial axes.
pub(super) struct Image {
    pub batch: usize,
    pub channels: usize,
    /// The spatial axes that the shape has.
    pub space: Vec<usize>,
    pub layout: Layout,
}

impl Image {
    pub fn of(op: &'static str, shape: &[usize], layout: Layout) -> Result<Image> {
        let (batch, channels, space) = match (layout, shape) {
            (Layout::Nchw, [n, c, space @ ..]) => (*n, *c, space),
            (Layout::Nhwc, [n, space @ .., c]) => (*n, *c, space),
            _ => (0, 0, &[][..]),
        };
        if space.is_empty() || space.len() > MAX_SPATIAL {
            let rule = "it must be batch, channels and one to three spatial axes";
            return Err(Error::rank(op, "the input", shape, rule));
        }
        if channels == 0 || space.contains(&0) {
            return Err(Error::shape(op, "the input", shape, "only the batch may be 0"));
        }
        Ok(Image { batch, channels, space: space.to_vec(), layout })
    }

    /// Number of spatial axes.
    pub fn rank(&self) -> usize {
        self.space.len()
    }

    /// The spatial lengths behind unit axes.
    pub fn space3(&self) -> [usize; MAX_SPATIAL] {
        three(&self.space, 1)
    }

    /// The shape of a batch with other channels and spatial lengths.
    ///
    /// # Errors
    /// If such a batch does not fit the address space, and so has no strides.
    pub fn shape_with(&self, channels: usize, space: &[usize]) -> Result<Vec<usize>> {
        let shape = self.layout.shape(self.batch, channels, space);
        checked_elements("output", &shape)?;
        Ok(shape)
    }
}
