//! What lies outside the input: how much of it a path may copy or compute.
//!
//! Windows, strides, dilations and paddings may be far larger than the tensors. Copies of the input with its padding, and
//! loops over all taps, are fast where little of that is outside; elsewhere paths go through the taps inside alone
//! ([`Axis::taps_inside`]). So memory and work are bounded by the tensors and by the taps that lie on them.

use crate::geometry::{Axis, MAX_SPATIAL};

/// A copy may have so many times the elements of input and output.
pub(crate) const MOST_COPIED: usize = 8;

/// Loops may turn so many times as often as there are elements of input and output, and taps inside the input.
pub(crate) const MOST_TURNED: usize = 16;

/// What both may be beyond that.
pub(crate) const BESIDE: usize = 1 << 14;

/// How many planes windows slide over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes {
    /// Of the input, in all images.
    pub input: usize,
    /// Of the output.
    pub output: usize,
    /// Pairs of both that are multiplied with each other.
    pub pairs: usize,
}

/// Whether little of what the windows cover is outside: what is copied with its padding, and loops over all taps, are
/// within the multiples above. It takes no longer for more windows, unless most of them reach outside.
pub(crate) fn is_little(axes: &[Axis; MAX_SPATIAL], planes: Planes) -> bool {
    // In 64-bit floats, whose range no product leaves.
    let plane = |length: &dyn Fn(&Axis) -> usize| axes.iter().map(|a| length(a) as f64).product::<f64>();
    let of = |planes: usize, length: &dyn Fn(&Axis) -> usize| planes as f64 * plane(length);
    let within = |cost: f64, most: usize, all: f64| cost <= most as f64 * all + BESIDE as f64;
    let elements = of(planes.input, &|a| a.input) + of(planes.output, &|a| a.output);
    let copied = of(planes.input, &|a| a.reach(a.output.max(1)).max(a.input));
    let turned = of(planes.pairs, &|a| a.output.saturating_mul(a.kernel));
    // Most windows mostly lie inside.
    let surely = of(planes.pairs, &|a| a.inside().len().saturating_mul(a.kernel));
    within(copied, MOST_COPIED, elements)
        && (within(turned, MOST_TURNED, elements + surely)
            || within(turned, MOST_TURNED, elements + of(planes.pairs, &Axis::touching)))
}
