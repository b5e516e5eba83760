//! Region pooling.

mod align;
mod max;

pub(super) use self::align::align;
pub(super) use self::max::max;

use super::output::fill;
use crate::error::Result;
use crate::problem::RoiShape;
use crate::tensor::Data;

/// One result for each bin of each channel of each region, in tasks of a plane of bins where channels come first,
/// else of a row of bins with all channels. `f` gets region, channels, rows of bins, and the results.
fn each_bin(
    shape: &RoiShape,
    f: impl Fn(usize, std::ops::Range<usize>, std::ops::Range<usize>, &mut [f32]) + Sync + Send,
) -> Result<Data> {
    let [bins_h, bins_w] = shape.bins;
    let len = shape.regions * shape.output.n;
    let y = if shape.channels_last {
        fill(len, bins_w * shape.channels, 1, |i, out: &mut [f32]| {
            f(i / bins_h, 0..shape.channels, i % bins_h..i % bins_h + 1, out);
        })
    } else {
        fill(len, bins_h * bins_w, 1, |i, out: &mut [f32]| {
            let c = i % shape.channels;
            f(i / shape.channels, c..c + 1, 0..bins_h, out);
        })
    }?;
    Ok(Data::F32(y))
}
