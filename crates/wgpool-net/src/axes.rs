//! Axes of batches.

use wgpool::spec::Layout;

/// Which axis of a tensor of `rank` axes holds the channels.
pub(crate) fn channel_axis(layout: Layout, rank: usize) -> usize {
    match layout {
        Layout::Nchw => 1,
        Layout::Nhwc => rank.saturating_sub(1),
    }
}

/// The channels of a tensor; 0 if it has no axis for them.
pub(crate) fn channels(layout: Layout, shape: &[usize]) -> usize {
    shape.get(channel_axis(layout, shape.len())).copied().unwrap_or(0)
}

/// The spatial lengths of a tensor.
pub(crate) fn space(layout: Layout, shape: &[usize]) -> &[usize] {
    let last = shape.len().saturating_sub(1);
    let space = match layout {
        Layout::Nchw => shape.get(2..),
        Layout::Nhwc => shape.get(1..last),
    };
    space.unwrap_or_default()
}
