//! Where windows lie: the only place that computes output lengths and window bounds.
//!
//! One- and two-dimensional operations are three-dimensional ones with unit axes in front, so every path
//! works on `[Axis; 3]`. Rules: PyTorch's pooling and convolution shape formulas, ONNX `MaxPool` and `Conv`.

mod axis;
mod meeting;
mod placing;
mod strides;
mod unpool;
mod windows;

pub use axis::Axis;
pub(crate) use meeting::Meeting;
pub(crate) use placing::{AxisPadding, AxisSpec, check_lengths};
pub use strides::Strides;
pub(crate) use unpool::{check_unpooled, unpooled_lengths};
pub(crate) use windows::{Windows, axis_paddings, per_axis};

/// The most spatial axes an operation has.
pub const MAX_SPATIAL: usize = 3;

/// Every length, stride, dilation and padding must stay below this, so that positions fit an `i32` on the GPU.
pub const MAX_LENGTH: usize = i32::MAX as usize;

/// Every position of a space of these lengths, in row-major order.
pub(crate) fn positions(
    [depth, height, width]: [usize; MAX_SPATIAL],
) -> impl Iterator<Item = [usize; MAX_SPATIAL]> + Clone {
    let rows = (0..depth).flat_map(move |d| (0..height).map(move |h| [d, h]));
    rows.flat_map(move |[d, h]| (0..width).map(move |w| [d, h, w]))
}

/// The taps of window `o` that lie inside the input, each with its position, in row-major order.
pub(crate) fn taps_inside(
    axes: &[Axis; MAX_SPATIAL],
    o: [usize; MAX_SPATIAL],
) -> impl Iterator<Item = ([usize; MAX_SPATIAL], [usize; MAX_SPATIAL])> + Clone + use<> {
    let [planes, rows, columns] = [0, 1, 2].map(|i| axes[i].places(o[i]));
    let lines = planes.flat_map(move |d| rows.clone().map(move |h| [d, h]));
    lines.flat_map(move |[d, h]| columns.clone().map(move |w| ([d.0, h.0, w.0], [d.1, h.1, w.1])))
}

/// Puts `values` of up to three axes behind as many copies of `unit` as make three.
pub(crate) fn three<T: Copy>(values: &[T], unit: T) -> [T; MAX_SPATIAL] {
    let mut all = [unit; MAX_SPATIAL];
    for (slot, &value) in all.iter_mut().rev().zip(values.iter().rev()) {
        *slot = value;
    }
    all
}
