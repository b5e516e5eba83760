//! Region pooling.

mod align;
mod max;

#[cfg(feature = "gradients")]
pub(super) use self::align::Bin;
pub(super) use self::align::align;
pub(super) use self::max::max;

use std::ops::Range;

use super::output::try_fill;
use crate::error::Result;
use crate::problem::RoiShape;

/// One result for each bin of each channel of `regions`, in tasks of a plane of bins where channels come first,
/// else of a row of bins with all channels. `f` gets region, channels, rows of bins, and the results.
fn each_bin(
    shape: &RoiShape,
    regions: usize,
    f: impl Fn(usize, Range<usize>, Range<usize>, &mut [f32]) -> Result<()> + Sync + Send,
) -> Result<Vec<f32>> {
    let [bins_h, bins_w] = shape.bins;
    let len = regions * shape.output.n;
    if shape.channels_last {
        try_fill(len, bins_w * shape.channels, 1, |i, out: &mut [f32]| {
            f(i / bins_h, 0..shape.channels, i % bins_h..i % bins_h + 1, out)
        })
    } else {
        try_fill(len, bins_h * bins_w, 1, |i, out: &mut [f32]| {
            let c = i % shape.channels;
            f(i / shape.channels, c..c + 1, 0..bins_h, out)
        })
    }
}
