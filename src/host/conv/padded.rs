//! The input with its padding written out, so that loops over taps need no bounds.

use std::borrow::Cow;

use crate::error::Result;
use crate::geometry::{MAX_SPATIAL, Strides};
use crate::host::output::{WORTH_SHARING, fill};
use crate::problem::ConvWork;
use crate::spec::Layout;

/// An input whose every tap is there.
pub(super) struct Padded<'a> {
    pub data: Cow<'a, [f32]>,
    pub strides: Strides,
    /// Distance from one window to the next on each axis.
    pub windows: [usize; MAX_SPATIAL],
    /// Distance from one tap to the next on each axis.
    pub taps: [usize; MAX_SPATIAL],
}

impl<'a> Padded<'a> {
    /// Whether any window has a tap outside the input.
    pub fn needed(work: &ConvWork) -> bool {
        work.axes.iter().any(|a| {
            let last = a.output.saturating_sub(1);
            a.taps_inside(0).len() < a.kernel || a.taps_inside(last).len() < a.kernel
        })
    }

    pub fn new(work: &ConvWork, x: &'a [f32]) -> Result<Padded<'a>> {
        let (data, strides) = if Padded::needed(work) {
            let space = work.axes.map(|a| (a.output - 1) * a.stride + a.span());
            let strides = Strides::of(work.layout, work.in_channels(), space);
            (Cow::Owned(copy(work, x, space)?), strides)
        } else {
            (Cow::Borrowed(x), work.input)
        };
        let windows = std::array::from_fn(|i| strides.space[i] * work.axes[i].stride);
        let taps = std::array::from_fn(|i| strides.space[i] * work.axes[i].dilation);
        Ok(Padded { data, strides, windows, taps })
    }

    /// Where the first tap of the window at `[d, h, w]` of image `n` lies in channel 0.
    #[inline(always)]
    pub fn base(&self, n: usize, [d, h, w]: [usize; MAX_SPATIAL]) -> usize {
        n * self.strides.n + d * self.windows[0] + h * self.windows[1] + w * self.windows[2]
    }
}

fn copy(work: &ConvWork, x: &[f32], space: [usize; MAX_SPATIAL]) -> Result<Vec<f32>> {
    let channels = work.in_channels();
    // Planes with one element to a pixel, or images with all channels to a pixel.
    let (slabs, inner) = match work.layout {
        Layout::Nchw => (work.batch * channels, 1),
        Layout::Nhwc => (work.batch, channels),
    };
    let [depth, height, width] = space;
    let [a0, a1, a2] = &work.axes;
    let row = width * inner;
    let batch = (WORTH_SHARING / 2).div_ceil(row);
    // What is left of a row once the padding before it is gone, as far as the windows reach.
    let kept = a2.input.min(width.saturating_sub(a2.pad_before)) * inner;
    let inside = |position: usize, pad: usize, input: usize| position.checked_sub(pad).filter(|&p| p < input);
    fill(slabs * depth * height * row, row, batch, |i, out: &mut [f32]| {
        let (slab, d, h) = (i / (depth * height), i / height % depth, i % height);
        if let (Some(d), Some(h)) = (inside(d, a0.pad_before, a0.input), inside(h, a1.pad_before, a1.input)) {
            let from = ((slab * a0.input + d) * a1.input + h) * a2.input * inner;
            let to = (a2.pad_before * inner).min(row);
            out[to..to + kept].copy_from_slice(&x[from..from + kept]);
        }
    })
}
