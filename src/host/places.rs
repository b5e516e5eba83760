//! Places along three axes.

use crate::geometry::MAX_SPATIAL;

/// Every place within lengths, in row-major order.
pub(super) fn places([d, h, w]: [usize; MAX_SPATIAL]) -> impl Iterator<Item = (usize, usize, usize)> + Clone {
    (0..d * h * w).map(move |i| (i / w / h, i / w % h, i % w))
}
