//! Where the elements of an image batch lie.

use super::MAX_SPATIAL;
use crate::spec::Layout;

/// Distance in elements between neighbours along each axis of an image batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strides {
    /// Between images.
    pub n: usize,
    /// Between channels.
    pub c: usize,
    /// Between rows of each spatial axis.
    pub space: [usize; MAX_SPATIAL],
}

impl Strides {
    /// The strides of a dense batch.
    pub fn of(layout: Layout, channels: usize, space: [usize; MAX_SPATIAL]) -> Strides {
        let [d, h, w] = space;
        match layout {
            Layout::Nchw => Strides { n: channels * d * h * w, c: d * h * w, space: [h * w, w, 1] },
            Layout::Nhwc => {
                Strides { n: d * h * w * channels, c: 1, space: [h * w * channels, w * channels, channels] }
            }
        }
    }

    /// Flat position of an element.
    pub fn at(&self, n: usize, c: usize, [d, h, w]: [usize; MAX_SPATIAL]) -> usize {
        n * self.n + c * self.c + d * self.space[0] + h * self.space[1] + w * self.space[2]
    }
}
